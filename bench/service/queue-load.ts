// The workers of the measure of the queue, as a process of their own: each creates a task, claims
// one, completes what it has claimed.
import { createHmac, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { systemClock, toIso } from '../../src/core/clock.ts';
import { newSlugId } from '../../src/core/ids.ts';

export type QueueLoadPlan = {
  readonly url: string;
  readonly credentials: Credentials;
  readonly workers: number;
  readonly seconds: number;
};

export type QueueLoadResult = {
  /** Tasks that were created, claimed and completed. */
  readonly tasks: number;
  readonly seconds: number;
  readonly createP50Ms: number;
  readonly claimP50Ms: number;
  readonly completeP50Ms: number;
  /** Of all three together. */
  readonly wholeP99Ms: number;
};

type Credentials = { readonly clientId: string; readonly accessToken: string; readonly certificate?: string };
type Claim = {
  readonly status: { readonly taskId: string };
  readonly runId: number;
  readonly credentials: Credentials;
};

export const TASK_QUEUE = 'bench/worker';
const HOUR_MS = 60 * 60 * 1000;

const run = async ({ url, credentials, workers, seconds }: QueueLoadPlan): Promise<QueueLoadResult> => {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: workers });
  const times = { create: [] as number[], claim: [] as number[], complete: [] as number[], whole: [] as number[] };

  const call = (method: string, path: string, { clientId, accessToken, certificate }: Credentials, body?: object) => {
    const ts = Math.floor(systemClock.now() / 1000);
    const nonce = randomBytes(6).toString('base64url');
    const ext = certificate
      ? Buffer.from(JSON.stringify({ certificate: JSON.parse(certificate) })).toString('base64')
      : '';
    const text = `hawk.1.header\n${ts}\n${nonce}\n${method}\n${path}\n${hostname}\n${port}\n\n${ext}\n`;
    const mac = createHmac('sha256', accessToken).update(text).digest('base64');
    const header = `Hawk id="${clientId}", ts="${ts}", nonce="${nonce}", ${ext && `ext="${ext}", `}mac="${mac}"`;
    const sent = body && JSON.stringify(body);
    const headers = {
      authorization: header,
      ...(sent && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }),
    };
    return new Promise<unknown>((resolve, reject) => {
      const outgoing = request({ hostname, port, path, method, agent, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const said = Buffer.concat(chunks).toString();
          if (answer.statusCode === 200) resolve(JSON.parse(said));
          else reject(new Error(`${method} ${path} was answered ${answer.statusCode}: ${said.slice(0, 500)}`));
        });
      });
      outgoing.on('error', reject);
      outgoing.end(sent);
    });
  };

  const timed = async <Result>(into: number[], work: Promise<Result>): Promise<Result> => {
    const began = systemClock.monotonic();
    const result = await work;
    into.push(systemClock.monotonic() - began);
    return result;
  };

  const began = systemClock.monotonic();
  const end = began + seconds * 1000;
  const work = async (workerId: string) => {
    while (systemClock.monotonic() < end) {
      const start = systemClock.monotonic();
      const now = systemClock.now();
      const task = {
        ...{ taskQueueId: TASK_QUEUE, created: toIso(now), deadline: toIso(now + HOUR_MS), priority: 'high' },
        ...{ payload: { command: ['true'] }, scopes: ['secrets:get:bench'] },
        metadata: {
          name: 'bench',
          description: 'does nothing',
          owner: 'bench@example.com',
          source: 'https://example.com',
        },
      };
      await timed(times.create, call('PUT', `/api/queue/v1/task/${newSlugId()}`, credentials, task));
      const path = `/api/queue/v1/claim-work/${encodeURIComponent(TASK_QUEUE)}`;
      const claiming = call('POST', path, credentials, { workerGroup: 'bench', workerId, tasks: 1 });
      const { tasks } = (await timed(times.claim, claiming)) as { tasks: Claim[] };
      for (const { status, runId, credentials: own } of tasks) {
        await timed(times.complete, call('POST', `/api/queue/v1/task/${status.taskId}/runs/${runId}/completed`, own));
      }
      times.whole.push(systemClock.monotonic() - start);
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, n) => work(`w${n}`)));
  const took = (systemClock.monotonic() - began) / 1000;
  agent.destroy();
  return {
    tasks: times.complete.length,
    seconds: took,
    createP50Ms: percentile(times.create, 0.5),
    claimP50Ms: percentile(times.claim, 0.5),
    completeP50Ms: percentile(times.complete, 0.5),
    wholeP99Ms: percentile(times.whole, 0.99),
  };
};

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN;

process.on('message', (plan: QueueLoadPlan) => {
  void run(plan).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ problem: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
