// Signed deliveries of a webhook beside triggerHook of the same hook with the same payload.
import { randomBytes } from 'node:crypto';
import { slowestPingBeside } from '../bounds/hostile.ts';
import { HOOK_PATH, prepareHook, readTask } from '../harness/hook.ts';
import { figure, interleave, type Measure, unavailable } from '../harness/measure.ts';
import { cpuMsOf, hasProc, NO_PROC } from '../harness/proc.ts';
import { call, startServer } from '../harness/server.ts';
import hook from '../hook.json' with { type: 'json' };
import type { LoadResult } from '../load/load.ts';
import { startLoad } from '../load/load-process.ts';

const PATH = HOOK_PATH.replace(/trigger$/, 'webhook');
const SENDERS = 32;
/** Each is signed before the clock starts, and has 10 KB. */
const MOST_REQUESTS = 20_000;
const LEAST_RATIO_TO_TRIGGERS = 0.8;
const MOST_P99_MS = 20;
const MOST_PING_MS = 50;

/** 10 KB. */
const PAYLOAD = { ref: 'refs/heads/main', commits: Array.from({ length: 100 }, (_, n) => `${n} ${'x'.repeat(95)}`) };

type Run = LoadResult & { readonly serverCpuMs: number };

export const webhooks: Measure = {
  name: 'webhooks',
  about: 'signed deliveries (HMAC-SHA256, 10 KB, durable) of 32 senders, beside triggerHook of the same hook',
  take: async (bench) => {
    await using server = await startServer(bench, bench.stable.newFolder('webhooks'));
    await prepareHook(server);
    const { metadata: _, payload: __, extra: ___, scopes: ____, routes: _____, ...rest } = hook.task;
    const metadata = { ...hook.task.metadata, name: 'bench webhook', description: 'built from ${payload.ref}' };
    const payload = { ref: { $eval: 'payload.ref' }, commits: { $eval: 'payload.commits' } };
    const task = { ...rest, metadata, payload };
    await call(server, 'PUT', PATH, { ...hook, task, triggerSchema: { type: 'object' } });
    const webhookSecret = `whsec_${randomBytes(32).toString('base64')}`;
    const settings = { scheme: 'standard', secrets: [webhookSecret], respond: 'Task', toleranceSeconds: 3_600 };
    const { url } = (await call(server, 'PUT', `${PATH}/webhooks/bench`, settings)) as { url: string };
    await using load = startLoad(bench);

    const { hostname: host, port } = new URL(server.url);
    const address = { host, port: Number(port) };
    const oneRun = async (path: string, secret?: string, expectStatus?: number): Promise<Run> => {
      await load.prepare({
        ...{ to: address, signedFor: address, credentials: server.credentials, path, body: JSON.stringify(PAYLOAD) },
        ...(secret !== undefined && { webhookSecret: secret }),
        ...(expectStatus !== undefined && { expectStatus }),
        ...{ callers: SENDERS, seconds: bench.seconds, expectDistinctTasks: true },
        requests: Math.min(load.enoughRequests(server, bench.seconds), MOST_REQUESTS),
      });
      const before = hasProc ? cpuMsOf(server.pid) : Number.NaN;
      const result = await load.go();
      const cpuMs = hasProc ? (cpuMsOf(server.pid) - before) / result.requests : Number.NaN;
      if (result.errors > 0)
        throw new Error(`${result.errors} requests to ${path} went wrong:\n${result.samples.join('\n')}`);
      const [taskId] = result.taskIds;
      if (taskId !== undefined) await readTask(server, taskId);
      return { ...result, serverCpuMs: cpuMs };
    };
    const sides = {
      ours: () => oneRun(new URL(url).pathname, webhookSecret),
      triggers: () => oneRun(`${PATH}/trigger`),
    };
    for (const side of [sides.triggers, sides.ours]) await side(); // warming up
    const { ours, triggers } = await interleave(bench.rounds, sides);
    const rate = ({ requests, seconds }: LoadResult) => requests / seconds;
    const refusals: number[] = [];
    const pings: number[] = [];
    const wrongSecret = `whsec_${randomBytes(32).toString('base64')}`;
    for (let round = 0; round < bench.rounds; round += 1) {
      const flood = async () => void refusals.push(rate(await oneRun(new URL(url).pathname, wrongSecret, 401)));
      pings.push(await slowestPingBeside(bench, server, flood));
    }
    return [
      figure('webhooks, wrong signatures of 32 senders: refusals', '/s', refusals),
      figure('webhooks, wrong signatures of 32 senders: slowest ping', 'ms', pings, {
        bar: { of: 'value', atMost: MOST_PING_MS },
      }),
      figure('webhooks, 32 senders: rate', '/s', ours.map(rate), {
        reference: triggers.map(rate),
        bar: { of: 'ratio', atLeast: LEAST_RATIO_TO_TRIGGERS },
        note: 'beside triggerHook of the same hook and payload',
      }),
      figure(
        'webhooks, 32 senders: latency p50',
        'ms',
        ours.map(({ p50Ms }) => p50Ms),
        {
          reference: triggers.map(({ p50Ms }) => p50Ms),
        },
      ),
      figure(
        'webhooks, 32 senders: latency p99',
        'ms',
        ours.map(({ p99Ms }) => p99Ms),
        {
          reference: triggers.map(({ p99Ms }) => p99Ms),
          bar: { of: 'value', atMost: MOST_P99_MS },
        },
      ),
      hasProc
        ? figure(
            'webhooks, 32 senders: CPU of the server',
            'ms each',
            ours.map(({ serverCpuMs }) => serverCpuMs),
            {
              reference: triggers.map(({ serverCpuMs }) => serverCpuMs),
            },
          )
        : unavailable('webhooks, 32 senders: CPU of the server', 'ms each', NO_PROC),
    ];
  },
};
