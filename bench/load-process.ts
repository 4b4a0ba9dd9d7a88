// The load and the echo as processes, as the harness sees them.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FromLoad, LoadPlan, LoadResult, ToLoad } from './load.ts';
import type { Bench } from './measure.ts';

/** What a load can be sent to. With `data`, PostgreSQL of that data folder works for it. */
export type Target = { readonly url: string; readonly pid: number; readonly data?: string };

/** The bare Fastify of echo-server.ts. */
export const startEcho = async (bench: Bench): Promise<Target & AsyncDisposable> => {
  const child = startNode(bench, 'echo-server.ts');
  const { url } = await nextMessage<{ url: string }>(child);
  return { url, pid: child.pid ?? Number.NaN, [Symbol.asyncDispose]: () => endOf(child) };
};

export type Load = AsyncDisposable & {
  readonly prepare: (plan: LoadPlan) => Promise<void>;
  readonly go: () => Promise<LoadResult>;
  /**
   * How many requests to sign: more than the target will answer, going by the fastest run so far.
   */
  readonly enoughRequests: (target: Target, seconds: number) => number;
  readonly learnRate: (target: Target, perSecond: number) => void;
};

export const startLoad = (bench: Bench): Load => {
  const child = startNode(bench, 'load.ts');
  const rates = new Map<Target, number>();
  const say = async (message: ToLoad): Promise<FromLoad> => {
    child.send(message);
    return nextMessage<FromLoad>(child);
  };
  return {
    prepare: async (plan) => {
      await say({ plan });
    },
    go: async () => {
      const answer = await say('go');
      if (answer === 'prepared') throw new Error('the load was not asked to prepare');
      return answer.result;
    },
    enoughRequests: (target, seconds) => Math.ceil((rates.get(target) ?? FIRST_GUESS_PER_SECOND) * seconds * 1.5),
    learnRate: (target, perSecond) => rates.set(target, Math.max(perSecond, rates.get(target) ?? 0)),
    [Symbol.asyncDispose]: () => endOf(child),
  };
};

const FIRST_GUESS_PER_SECOND = 10_000;

const startNode = (bench: Bench, file: string): ChildProcess =>
  bench.stable.spawn(process.execPath, [join(import.meta.dirname, file)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

const nextMessage = <Message>(child: ChildProcess): Promise<Message> =>
  new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      child.off('exit', onExit);
      resolve(message as Message);
    };
    const onExit = (code: number | null): void => {
      child.off('message', onMessage);
      reject(new Error(`${child.spawnargs.at(-1)} ended with ${code}`));
    };
    child.once('message', onMessage);
    child.once('exit', onExit);
  });

/** Both end when nobody talks to them any more. */
const endOf = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
};
