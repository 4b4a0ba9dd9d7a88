// The server that is killed again and again, on one data folder.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cleanup } from '../support/database.ts';
import { familyOf, isAlive, kill9, parentOf } from '../support/processes.ts';
import {
  databaseOf,
  type Program,
  postmasterOf,
  type RootCredentials,
  readJson,
  runProgram,
  type ServerFile,
} from '../support/server.ts';
import { eventually } from '../support/wait.ts';
import type { Random } from './random.ts';

/**
 * What a kill hits. `database`: the postmaster and its children, the server a moment later.
 * `start`: a server that is not ready yet.
 */
export const KILLS = ['server', 'database', 'everything', 'start'] as const;
export type Kill = (typeof KILLS)[number];

export type Victim = {
  /** Where the server is; undefined while it is down. */
  readonly address: () => string | undefined;
  readonly credentials: () => RootCredentials;
  /**
   * Starts the server and waits until it is ready. Fails with what it said when it ends instead.
   */
  readonly start: () => Promise<void>;
  /**
   * Kills what `kill` says, and leaves nothing of the server running. For `start`, starts one
   * first.
   */
  readonly kill: (kill: Kill) => Promise<void>;
  /** Of the database, while the server runs. */
  readonly connection: () => ReturnType<typeof databaseOf>;
};

const LONGEST_START_MS = 400;
const LONGEST_WITHOUT_DATABASE_MS = 300;
/** Crash recovery included, on a machine that is busy with other tests. */
const READY_WITHIN_MS = 60_000;

/** @param args of `hookwright serve`, beside the port and the folder. */
export const createVictim = (t: Cleanup, dataFolder: string, random: Random, args: readonly string[] = []): Victim => {
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  let program: Program | undefined;
  let address: string | undefined;
  let credentials: RootCredentials | undefined;

  const spawn = (): Program => {
    const serve = ['serve', '--port', '0', '--data', dataFolder, ...args];
    program = runProgram({ after: (step) => undo.defer(step) }, serve);
    return program;
  };

  const end = async (): Promise<void> => {
    address = undefined;
    if (!program) return;
    kill9(program.pid);
    await program.exit;
    program = undefined;
  };

  /** The postmaster with its children, or nobody. */
  const databaseFamily = async (): Promise<number[]> => {
    const postmaster = await postmasterOf(dataFolder);
    return postmaster !== undefined && (await isAlive(postmaster)) ? familyOf(postmaster) : [];
  };

  const hit: Record<Kill, () => Promise<void>> = {
    server: async () => {
      const state = await readJson<ServerFile>(`${dataFolder}/server.json`);
      if (state?.pid !== program?.pid) throw new Error(`server.json names ${state?.pid}, not ${program?.pid}`);
    },
    database: async () => {
      for (const pid of await databaseFamily()) kill9(pid);
      await sleep(random.between(0, LONGEST_WITHOUT_DATABASE_MS));
    },
    everything: async () => {
      const family = await databaseFamily();
      const supervisor = family[0] === undefined ? undefined : await parentOf(family[0]);
      const all = [program?.pid, ...(supervisor === undefined ? [] : await familyOf(supervisor)), ...family];
      // Process 1 adopts what has lost its parent.
      for (const pid of new Set(all)) if (pid !== undefined && pid > 1) kill9(pid);
    },
    start: async () => {
      await end();
      spawn();
      await sleep(random.between(0, LONGEST_START_MS));
    },
  };

  return {
    address: () => address,
    credentials: () => {
      if (!credentials) throw new Error('the server was never ready');
      return credentials;
    },
    start: async () => {
      const started = spawn();
      const { url } = await eventually(
        'the server is ready',
        async () => {
          const state = await readJson<ServerFile>(`${dataFolder}/server.json`);
          if (state?.pid === started.pid) return state;
          if (started.process.exitCode === null && started.process.signalCode === null) return undefined;
          await started.exit;
          throw new Error(`the server did not start. It said:\n${started.said()}`);
        },
        READY_WITHIN_MS,
      );
      credentials = await readJson<RootCredentials>(`${dataFolder}/root-credentials.json`);
      address = url;
    },
    kill: async (kill) => {
      await hit[kill]();
      await end();
    },
    connection: () => databaseOf(dataFolder),
  };
};
