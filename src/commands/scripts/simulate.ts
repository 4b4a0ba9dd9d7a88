// hookwright simulate: runs a script once on a recorded event, and says what it would have done.
// Touches nothing.
import { readFileSync, watch } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import aura from '@urbit/aura';
import { millisFromId } from '../../community/schema/id.ts';
import type { Event } from '../../community/types/event.ts';
import { describeError, describeFileError } from '../../core/errors.ts';
import { optionProblem } from '../../core/option-problem.ts';
import { readScript, type Script } from '../../script-hooks/dry-run/bundle.ts';
import { completeBowl } from '../../script-hooks/dry-run/default-bowl.ts';
import { diffLines } from '../../script-hooks/dry-run/diff.ts';
import { type DryRun, explain } from '../../script-hooks/dry-run/explain.ts';
import { type Bowl, buildHook, createSandbox, ScriptHookError } from '../../script-hooks/index.ts';
import type { Command, CommandIo } from '../cli/command.ts';

const USAGE = `hookwright simulate SCRIPT --event FILE [options]

  --event FILE   the event, as JSON (examples: examples/events/)
  --bowl FILE    the surroundings, as JSON: our, src, now, config, hook, channel {nest, posts}, group {flag, fleet}
  --state FILE   the hook's state before, as JSON; otherwise null
  --now TIME     when it happens: 2026-11-20T15:00:00Z, ~2026.11.20..15.00.00, or milliseconds; otherwise the event's time
  --seed TEXT    the seed of randomness, to repeat a run
  --json         says it as JSON
  --watch        runs again when a file is saved

SCRIPT is JavaScript, a .hoon file around it, or TypeScript or several files, which are bundled first.
Exit status: 0 allowed, 3 denied, 1 failed, 2 called wrongly.
`;

const STATUS = { allowed: 0, denied: 3, failed: 1 } as const;
const MISUSE = 2;

const OPTIONS = {
  event: { type: 'string' },
  bowl: { type: 'string' },
  state: { type: 'string' },
  now: { type: 'string' },
  seed: { type: 'string' },
  json: { type: 'boolean' },
  watch: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export const simulate: Command = {
  summary: 'Run a script on an event and see what it would do',
  usage: USAGE,
  run: async (args, io) => {
    const call = readCall(args);
    if (typeof call === 'string') {
      (call === USAGE ? io.stdout : io.stderr).write(call);
      return call === USAGE ? 0 : MISUSE;
    }
    if (!call.watch) return once(call, io);
    return again(call, io);
  },
};

type Call = {
  readonly script: string;
  readonly event: string;
  readonly bowl?: string | undefined;
  readonly state?: string | undefined;
  readonly now?: string | undefined;
  readonly seed?: string | undefined;
  readonly json: boolean;
  readonly watch: boolean;
};

/** The call, or what to say instead. */
const readCall = (args: readonly string[]): Call | string => {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    if (values.help === true) return USAGE;
    const [script, ...rest] = positionals;
    if (script === undefined || rest.length > 0) return `Name one script.\n\n${USAGE}`;
    if (values.event === undefined) return `Name an event with --event FILE.\n\n${USAGE}`;
    return { ...values, script, event: values.event, json: values.json === true, watch: values.watch === true };
  } catch (error) {
    return `${optionProblem(error, Object.keys(OPTIONS))}.\n\n${USAGE}`;
  }
};

const once = async (call: Call, io: CommandIo): Promise<number> => {
  try {
    const run = await dryRun(call, io.cwd);
    io.stdout.write(call.json ? `${JSON.stringify(asJson(run), null, 2)}\n` : explain(run));
    return STATUS[run.outcome.outcome];
  } catch (error) {
    const code = error instanceof ScriptHookError ? error.code : undefined;
    const message = describeError(error);
    io.stderr.write(
      call.json ? `${JSON.stringify({ outcome: 'failed', kind: 'load', code, message })}\n` : `${message}\n`,
    );
    return STATUS.failed;
  }
};

const dryRun = async (call: Call, cwd: string): Promise<DryRun> => {
  const script = await readScript(resolve(cwd, call.script)).catch((error) => {
    throw error instanceof ScriptHookError ? error : unreadable(call.script, error);
  });
  const event = readJson(cwd, call.event) as Event;
  const name = basename(call.script, extname(call.script));
  const given = call.bowl === undefined ? {} : (readJson(cwd, call.bowl) as Partial<Bowl>);
  const bowl = completeBowl(event, { ...given, ...stateOf(call, cwd), ...timeOf(call) }, name);
  await using sandbox = createSandbox({ workers: 1 });
  await using hook = await buildHook(script.source, { sandbox }).catch((error) => {
    throw located(error, script);
  });
  const outcome = await hook.run({ event, bowl, ...(call.seed === undefined ? {} : { seed: call.seed }) });
  const { line, column } = outcome.outcome === 'failed' ? outcome : {};
  const place = line === undefined ? undefined : script.placeOf({ line, column: column ?? 1 });
  return { script: call.script, event, stateBefore: bowl.state, outcome, place };
};

/** An error of compiling, with the place where it was written in front. */
const located = (error: unknown, script: Script): unknown => {
  if (!(error instanceof ScriptHookError) || error.line === undefined) return error;
  const place = script.placeOf({ line: error.line, column: error.column ?? 1 });
  return new ScriptHookError(error.code, `${place}: ${error.message}`);
};

const stateOf = (call: Call, cwd: string): Partial<Bowl> =>
  call.state === undefined ? {} : { state: readJson(cwd, call.state) };

const timeOf = ({ now }: Call): Partial<Bowl> => {
  if (now === undefined) return {};
  const ms = /^\d+$/.test(now) ? Number(now) : now.startsWith('~') ? momentOf(now) : Date.parse(now);
  if (!Number.isFinite(ms)) throw new Error(`--now ${now} is no time. Write it as 2026-11-20T15:00:00Z`);
  return { now: ms };
};

const momentOf = (text: string): number => {
  const id = aura.tryParse('da', text);
  return id === null ? Number.NaN : millisFromId(id);
};

const readJson = (cwd: string, path: string): unknown => {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, path), 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON: ${describeError(error)}`);
  }
};

const unreadable = (path: string, error: unknown): Error =>
  new Error(`${path} cannot be read: ${describeFileError(error)}`, { cause: error });

const asJson = ({ event, stateBefore, outcome, place }: DryRun): unknown => ({
  ...outcome,
  stateJson: undefined,
  changes: outcome.outcome === 'allowed' ? diffLines(event, outcome.event) : [],
  stateBefore,
  ...(place === undefined ? {} : { place }),
});

/**
 * Runs on every save of a file beside the script or of one that was named, until the process is
 * interrupted.
 */
const again = async (call: Call, io: CommandIo): Promise<number> => {
  const files = [call.script, call.event, call.bowl, call.state].flatMap((file) =>
    file === undefined ? [] : [resolve(io.cwd, file)],
  );
  const scriptFolder = dirname(files[0] as string);
  let status = 0;
  let wake: () => void = () => {};
  let isStale = true;
  const { promise: stopped, resolve: stop } = Promise.withResolvers<'stopped'>();
  process.once('SIGINT', () => stop('stopped'));
  // Watching begins before the first run, so that what is saved during it is not missed.
  const watchers = [...new Set(files.map((file) => dirname(file)))].map((folder) =>
    watch(folder, (_change, name) => {
      const isSource = folder === scriptFolder && /\.[cm]?[jt]sx?$/.test(name ?? '');
      if (name === null || !(isSource || files.includes(resolve(folder, name)))) return;
      isStale = true;
      wake();
    }),
  );
  for (let isFirst = true; ; isFirst = false) {
    const { promise: saved, resolve: resolveSaved } = Promise.withResolvers<'saved'>();
    wake = () => resolveSaved('saved');
    if (!isStale && (await Promise.race([saved, stopped])) === 'stopped') break;
    isStale = false;
    if (!isFirst) io.stdout.write('\n--- saved, running again ---\n');
    status = await once(call, io);
  }
  for (const watcher of watchers) watcher.close();
  return status;
};
