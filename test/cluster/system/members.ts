// The processes of the server under test, each with its parts, killed and started again as often as
// the test likes.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../chaos/random.ts';
import type { Cleanup } from '../../support/database.ts';
import { kill9 } from '../../support/processes.ts';
import { newDataFolder, type Program, runProgram } from '../../support/server.ts';
import { eventually } from '../../support/wait.ts';

export type MemberSettings = {
  readonly parts: string;
  readonly env: NodeJS.ProcessEnv;
};

export type Member = {
  readonly name: string;
  readonly parts: string;
  readonly dataFolder: string;
  /** undefined while it is not ready. */
  readonly url: () => string | undefined;
  /** kill -9. It stays dead until `revive`. */
  readonly kill: () => Promise<void>;
  readonly revive: () => void;
};

export type Members = {
  readonly all: readonly Member[];
  /** One that is ready and serves the API, by chance; waits for one. */
  readonly address: (random: Random) => Promise<string>;
  /** What no member may do: end by itself once it was ready, or never become ready. */
  readonly problems: () => readonly string[];
  /**
   * How often one did not come up because something that it needs was away, and was started again.
   */
  readonly failedStarts: () => number;
  /** All that they wrote, oldest first, cut. */
  readonly said: () => string;
};

const READY = /is ready at (\S+)[^\n]*\n[\s\S]*Press Ctrl-C/;
const START_AGAIN_AFTER_MS = 100;
const NOT_READY_FOR_MS = 90_000;
const MOST_SAID = 200_000;

export const startMembers = async (t: Cleanup, settings: readonly MemberSettings[]): Promise<Members> => {
  const undo = new AsyncDisposableStack();
  t.after(() => undo.disposeAsync());
  const problems: string[] = [];
  let failedStarts = 0;
  let said = '';

  const startMember = async ({ parts, env }: MemberSettings, number: number): Promise<Member> => {
    const name = `${number} (${parts})`;
    const dataFolder = await newDataFolder({ after: (step) => undo.defer(step) });
    const args = ['serve', '--port', '0', '--data', dataFolder, '--parts', parts];
    const ending = new AbortController();
    let program: Program | undefined;
    let url: string | undefined;
    let isDead = false;
    let revived = Promise.withResolvers<void>();

    const keepUp = async () => {
      for (let notReadySince = performance.now(); !ending.signal.aborted; ) {
        if (isDead) {
          await revived.promise;
          notReadySince = performance.now();
          continue;
        }
        await using life = new AsyncDisposableStack();
        program = runProgram({ after: (step) => life.defer(step) }, args, { env });
        const { exit } = program;
        const ready = await program.says(READY).catch(() => undefined);
        if (ready) {
          url = ready[1];
          await exit;
          url = undefined;
        }
        const last = program.said();
        said = `${said}\n--- ${name}\n${last}`.slice(-MOST_SAID);
        if (isDead || ending.signal.aborted) continue;
        if (ready) problems.push(`the member ${name} ended by itself. It said:\n${last.slice(-2_000)}`);
        else failedStarts += 1;
        if (performance.now() - notReadySince > NOT_READY_FOR_MS) {
          problems.push(`the member ${name} does not become ready. It said:\n${last.slice(-2_000)}`);
          return;
        }
        await sleep(START_AGAIN_AFTER_MS);
      }
    };
    const keeping = keepUp();
    keeping.catch((error: Error) => problems.push(`the member ${name}: ${error.stack}`));
    undo.defer(async () => {
      ending.abort();
      revived.resolve();
      if (program) kill9(program.pid);
      await keeping;
    });
    return {
      name,
      parts,
      dataFolder,
      url: () => url,
      kill: async () => {
        isDead = true;
        url = undefined;
        revived = Promise.withResolvers();
        if (program) {
          kill9(program.pid);
          await program.exit;
        }
      },
      revive: () => {
        isDead = false;
        revived.resolve();
      },
    };
  };

  const all = await Promise.all(settings.map(startMember));
  const isReady = () => all.every(({ url }) => url() !== undefined);
  await eventually('all members are ready', isReady, NOT_READY_FOR_MS).catch((error: Error) => {
    throw new Error(`${error.message}. ${problems.join('\n')}\n${said}`);
  });
  return {
    all,
    address: async (random) => {
      for (;;) {
        const ready = all.filter(({ parts, url }) => parts.includes('web') && url() !== undefined);
        const url = ready[random.between(0, ready.length - 1)]?.url();
        if (url !== undefined) return url;
        await sleep(5);
      }
    },
    problems: () => problems,
    failedStarts: () => failedStarts,
    said: () => said,
  };
};
