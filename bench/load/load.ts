// The load: a process of its own that sends signed requests from a number of callers at once and
// times the answers. Everything that costs is done before the clock starts (signing) or after it
// stops (sorting), so that it stays out of the way of what is measured: about 0.02 ms of CPU a
// request, which is reported.
import { systemClock } from '../../src/core/clock.ts';
import { describeError } from '../../src/core/errors.ts';
import { SLUG_ID } from '../../src/core/ids.ts';
import { type Answer, readAnswer } from './answer.ts';
import { type Connection, openConnection } from './connection.ts';
import { deploymentCalls } from './deployment-calls.ts';
import { type RequestsToSign, type SignedRequests, signRequests } from './sign-requests.ts';

export type LoadPlan = RequestsToSign & {
  /** Whom the load talks to. */
  readonly to: { readonly host: string; readonly port: number };
  readonly callers: number;
  readonly seconds: number;
  /** Which status every answer has to have, where none names a task. */
  readonly expectStatus?: number;
  /** Whether every answer must name another task; the reference always names the same one. */
  readonly expectDistinctTasks: boolean;
  /** In place of triggers: what one of them asks of a deployment, where `body` is the task. */
  readonly callsDeployment?: true;
};

export type LoadResult = {
  /** Answered, well or badly. */
  readonly requests: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** CPU of the load itself, user and system. */
  readonly cpuMs: number;
  readonly errors: number;
  /** What the first few errors were. */
  readonly samples: readonly string[];
  /** Some tasks that were acknowledged: the last ones. */
  readonly taskIds: readonly string[];
};

/** The harness sends a plan, gets 'prepared', sends 'go', gets the result. */
export type ToLoad = { readonly plan: LoadPlan } | 'go';
export type FromLoad = 'prepared' | { readonly result: LoadResult };

/** A run with this many errors has failed and need not go on. */
const ENOUGH_ERRORS = 100;
/** For the answers that are still missing when the time is up. */
const LAST_ANSWERS_MS = 30_000;

const run = async (plan: LoadPlan, signed: SignedRequests): Promise<LoadResult> => {
  const times = new Float64Array(plan.requests);
  const samples: string[] = [];
  const taskIds = new Set<string>();
  let sent = 0;
  let answered = 0;
  let errors = 0;
  let end = Number.POSITIVE_INFINITY;

  const fail = (what: string): void => {
    if (errors++ < 3) samples.push(what);
  };
  const check = (answer: Answer): void => {
    if (plan.expectStatus !== undefined) {
      if (answer.status !== plan.expectStatus) fail(`${answer.status} ${answer.body.slice(0, 600)}`);
      return;
    }
    const taskId = answer.status === 200 ? (JSON.parse(answer.body) as { taskId?: unknown }).taskId : undefined;
    if (typeof taskId !== 'string' || !SLUG_ID.test(taskId)) {
      fail(`${answer.status} ${answer.body.slice(0, 600)}`);
    } else if (taskIds.size === taskIds.add(taskId).size && plan.expectDistinctTasks) {
      fail(`two triggers were answered with the same task ${taskId}`);
    }
  };

  /**
   * Sends one request after another until there are no more; a connection that ends is made anew.
   */
  const callUntilEnd = (first: Connection): Promise<void> =>
    new Promise((resolve) => {
      let connection = first;
      let sentAt = 0;
      let isWaiting = false;
      let received = '';

      const finish = (): void => {
        clearTimeout(patience);
        isWaiting = false;
        connection.close();
        resolve();
      };
      const patience = setTimeout(
        () => {
          fail(`no answer for ${LAST_ANSWERS_MS / 1000} s`);
          finish();
        },
        plan.seconds * 1000 + LAST_ANSWERS_MS,
      );
      const sendNext = (): void => {
        const now = systemClock.monotonic();
        if (sent === plan.requests || now >= end || errors >= ENOUGH_ERRORS) {
          finish();
          return;
        }
        const start = (sent++ * signed.length) % signed.bytes.length;
        sentAt = now;
        isWaiting = true;
        connection.write(signed.bytes.subarray(start, start + signed.length));
      };
      const take = (isAtEnd: boolean): void => {
        const answer = readAnswer(received, isAtEnd);
        if (answer === undefined) return;
        times[answered++] = systemClock.monotonic() - sentAt;
        isWaiting = false;
        check(answer);
        if (answer.length < received.length) throw new Error(`more than one answer: ${received.slice(0, 600)}`);
        received = '';
        if (answer.closesConnection) reconnect();
        else sendNext();
      };
      const takeOrFail = (isAtEnd: boolean): void => {
        try {
          take(isAtEnd);
        } catch (error) {
          fail(describeError(error));
          reconnect();
        }
      };
      const reconnect = (): void => {
        isWaiting = false;
        received = '';
        connection.close();
        openConnection(plan.to).then(begin, (error: unknown) => {
          fail(describeError(error));
          finish();
        });
      };
      const begin = (opened: Connection): void => {
        connection = opened;
        opened.onText = (text) => {
          received += text;
          takeOrFail(false);
        };
        opened.onEnd = (reason) => {
          // An older connection, or one that is closed on purpose.
          if (opened !== connection || !isWaiting) return;
          if (received !== '') takeOrFail(true);
          if (!isWaiting) return;
          fail(reason);
          reconnect();
        };
        sendNext();
      };
      begin(first);
    });

  const connections = await Promise.all(Array.from({ length: plan.callers }, () => openConnection(plan.to)));

  const cpuBefore = process.cpuUsage();
  const startedAt = systemClock.monotonic();
  end = startedAt + plan.seconds * 1000;
  await Promise.all(connections.map(callUntilEnd));
  const seconds = (systemClock.monotonic() - startedAt) / 1000;
  const cpu = process.cpuUsage(cpuBefore);

  const sorted = times.subarray(0, answered).sort();
  const percentile = (part: number): number => sorted[Math.max(0, Math.ceil(part * answered) - 1)] ?? Number.NaN;
  return {
    requests: answered,
    seconds,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    maxMs: percentile(1),
    cpuMs: (cpu.user + cpu.system) / 1000,
    errors,
    samples,
    taskIds: [...taskIds].slice(-5),
  };
};

let prepared: { plan: LoadPlan; signed: SignedRequests } | undefined;

/** A harness that is gone needs no answer, and its absence is no error. */
const answer = (message: FromLoad): void => {
  process.send?.(message, undefined, undefined, () => {});
};

process.on('message', async (message: ToLoad) => {
  if (message !== 'go') {
    const { plan } = message;
    const calls = plan.callsDeployment && deploymentCalls({ ...plan.to, task: plan.body });
    prepared = { plan, signed: calls ?? signRequests(plan, systemClock.now()) };
    answer('prepared');
  } else if (prepared) {
    const result = await run(prepared.plan, prepared.signed);
    prepared = undefined;
    answer({ result });
  }
});
process.once('disconnect', () => process.exit());
