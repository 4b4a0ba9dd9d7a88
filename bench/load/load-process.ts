// The load and what it is sent to beside the server, as processes, as the harness sees them.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Bench } from '../harness/measure.ts';
import type { DeploymentCounts } from './deployment-server.ts';
import type { FloorSetup } from './floor-server.ts';
import type { FromLoad, LoadPlan, LoadResult, ToLoad } from './load.ts';

/** What a load can be sent to. With `data`, PostgreSQL of that data folder works for it. */
export type Target = { readonly url: string; readonly pid: number; readonly data?: string };

/** The bare Fastify of echo-server.ts. */
export const startEcho = async (bench: Bench): Promise<Target & AsyncDisposable> => {
  const child = startNode(bench, 'echo-server.ts');
  const { url } = await nextMessage<{ url: string }>(child);
  return { url, pid: child.pid ?? Number.NaN, [Symbol.asyncDispose]: () => endOf(child) };
};

/** The least that a durable trigger costs: floor-server.ts. */
export const startFloor = async (bench: Bench, setup: FloorSetup): Promise<Required<Target> & AsyncDisposable> => {
  const child = startNode(bench, 'floor-server.ts');
  child.send(setup);
  const { url } = await nextMessage<{ url: string }>(child);
  const { data } = setup;
  return {
    ...{ url, data, pid: child.pid ?? Number.NaN },
    [Symbol.asyncDispose]: async () => {
      await endOf(child);
      bench.stable.removeFolder(data);
    },
  };
};

export type Deployment = Target & AsyncDisposable & { readonly counts: () => Promise<DeploymentCounts> };

/** The stand-in of deployment-server.ts. */
export const startDeployment = async (bench: Bench): Promise<Deployment> => {
  const child = startNode(bench, 'deployment-server.ts');
  const { url } = await nextMessage<{ url: string }>(child);
  return {
    ...{ url, pid: child.pid ?? Number.NaN },
    counts: () => {
      child.send('counts');
      return nextMessage<DeploymentCounts>(child);
    },
    [Symbol.asyncDispose]: () => endOf(child),
  };
};

export type Load = AsyncDisposable & {
  readonly prepare: (plan: LoadPlan) => Promise<void>;
  readonly go: () => Promise<LoadResult>;
  /**
   * How many requests to sign: more than this side will answer, going by its fastest run so far.
   */
  readonly enoughRequests: (side: object, seconds: number) => number;
  readonly learnRate: (side: object, perSecond: number) => void;
};

export const startLoad = (bench: Bench): Load => {
  const child = startNode(bench, 'load.ts');
  const rates = new Map<object, number>();
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
    enoughRequests: (side, seconds) => Math.ceil((rates.get(side) ?? FIRST_GUESS_PER_SECOND) * seconds * 1.5),
    learnRate: (side, perSecond) => rates.set(side, Math.max(perSecond, rates.get(side) ?? 0)),
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
