// hookwright simulate: runs a script on recorded events, and says what it would have done. Touches
// nothing but the state's file, if it is asked to.
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import aura from '@urbit/aura';
import { millisFromId } from '../../community/schema/id.ts';
import type { Event } from '../../community/types/event.ts';
import { diffLines } from '../../core/diff-lines.ts';
import { describeError } from '../../core/errors.ts';
import { optionProblem } from '../../core/option-problem.ts';
import type { Script } from '../../script-hooks/dry-run/bundle.ts';
import { completeBowl } from '../../script-hooks/dry-run/default-bowl.ts';
import { type DryRun, explain, ignoredChanges, ownPlace, textOf, visible } from '../../script-hooks/dry-run/explain.ts';
import { warningsOf } from '../../script-hooks/dry-run/warnings.ts';
import { type Bowl, createSandbox, type ScriptHook, ScriptHookError } from '../../script-hooks/index.ts';
import type { Command, CommandIo } from '../cli/command.ts';
import { runAgain } from './run-again.ts';
import { buildScript, hookNameOf, openScript, readJsonFile, STANDARD_INPUT } from './script-files.ts';

const USAGE = `hookwright simulate SCRIPT --event FILE [--event FILE …] [options]

  --event FILE   the event, as JSON (examples: examples/events/); of several, each sees the state that the one before left
  --bowl FILE    the surroundings, as JSON: our, src, now, config, hook, channel {nest, posts}, group {flag, fleet}
  --state FILE   the hook's state before, as JSON; otherwise null
  --save-state   writes the state after into the file of --state, which need not be there yet
  --now TIME     when it happens: 2026-11-20T15:00:00Z, ~2026.11.20..15.00.00, or milliseconds; otherwise the event's time
  --seed TEXT    the seed of randomness, to repeat a run
  --json         says it as JSON; of several events, a list
  --watch        runs again when a file is saved: the script, what it imports, the event, the bowl, the state

SCRIPT is JavaScript, a .hoon file around it, or TypeScript or several files, which are bundled first. For SCRIPT or a
FILE, - is standard input.
Exit status: 0 allowed, 3 denied, 1 failed, 2 called wrongly; of several events, the worst: 1, then 3, then 0.
`;

const STATUS = { allowed: 0, denied: 3, failed: 1 } as const;
const MISUSE = 2;

const OPTIONS = {
  event: { type: 'string', multiple: true },
  bowl: { type: 'string' },
  state: { type: 'string' },
  'save-state': { type: 'boolean' },
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
    if (!call.watch) return (await once(call, io)).status;
    const files = [call.script, ...call.events, call.bowl, call.saves ? undefined : call.state]
      .filter((file) => file !== undefined && file !== STANDARD_INPUT)
      .map((file) => resolve(io.cwd, file as string));
    return runAgain(files, io, () => once(call, io));
  },
};

type Call = {
  readonly script: string;
  readonly events: readonly string[];
  readonly bowl?: string | undefined;
  readonly state?: string | undefined;
  readonly saves: boolean;
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
    const { event: events, bowl, state, now, seed } = values;
    const saves = values['save-state'] === true;
    if (saves && state === undefined) return `--save-state needs a file: --state FILE.\n\n${USAGE}`;
    if (saves && state === STANDARD_INPUT) return `The state cannot be saved to standard input.\n\n${USAGE}`;
    const inputs = [script, ...events, bowl, state].filter((name) => name === STANDARD_INPUT);
    if (inputs.length > 1) return `Standard input can be one thing only.\n\n${USAGE}`;
    return { script, events, bowl, state, saves, now, seed, json: values.json === true, watch: values.watch === true };
  } catch (error) {
    return `${optionProblem(error, Object.keys(OPTIONS))}.\n\n${USAGE}`;
  }
};

/** `files` are those that the script was made of. */
type Done = { readonly status: number; readonly files: readonly string[] };

const once = async (call: Call, io: CommandIo): Promise<Done> => {
  let files: readonly string[] = [];
  try {
    const script = await openScript(call.script, io);
    files = script.files;
    const runs = await dryRuns(call, script, io);
    const [first, ...others] = runs;
    if (call.json) {
      io.stdout.write(`${JSON.stringify(others.length === 0 ? asJson(first as DryRun) : runs.map(asJson), null, 2)}\n`);
    } else {
      for (const [index, run] of runs.entries()) {
        if (runs.length > 1) io.stdout.write(`${index === 0 ? '' : '\n'}--- ${call.events[index]}\n`);
        io.stdout.write(explain(run));
      }
    }
    const outcomes = runs.map(({ outcome }) => outcome.outcome);
    const worst = (['failed', 'denied'] as const).find((outcome) => outcomes.includes(outcome)) ?? 'allowed';
    return { status: STATUS[worst], files };
  } catch (error) {
    const code = error instanceof ScriptHookError ? error.code : undefined;
    const message = describeError(error);
    io.stderr.write(
      call.json ? `${JSON.stringify({ outcome: 'failed', kind: 'load', code, message })}\n` : `${visible(message)}\n`,
    );
    return { status: STATUS.failed, files };
  }
};

const dryRuns = async (call: Call, script: Script, io: CommandIo): Promise<DryRun[]> => {
  const given = call.bowl === undefined ? {} : ((await readJsonFile(call.bowl, io)) as Partial<Bowl>);
  let state = await stateBefore(call, given, io);
  await using sandbox = createSandbox({ workers: 1 });
  await using hook = await buildScript(script, sandbox);
  const runs: DryRun[] = [];
  for (const name of call.events) {
    const event = (await readJsonFile(name, io)) as Event;
    const run = await dryRun({ call, script, hook, given: { ...given, state } }, event);
    state = run.outcome.state;
    runs.push(run);
  }
  if (call.saves && call.state !== undefined) {
    writeFileSync(resolve(io.cwd, call.state), `${JSON.stringify(state ?? null, null, 2)}\n`);
  }
  return runs;
};

const dryRun = async (
  { call, script, hook, given }: { call: Call; script: Script; hook: ScriptHook; given: Partial<Bowl> },
  event: Event,
): Promise<DryRun> => {
  const bowl = completeBowl(event, { ...given, ...timeOf(call) }, hookNameOf(call.script));
  const warnings = warningsOf(event, bowl, given);
  const seed = call.seed === undefined ? {} : { seed: call.seed };
  const outcome = await hook.run({ event, bowl, withReturned: true, ...seed });
  return { script: call.script, event, stateBefore: bowl.state, outcome, warnings, placeOf: script.placeOf };
};

const stateBefore = async (call: Call, given: Partial<Bowl>, io: CommandIo): Promise<unknown> => {
  const none = given.state ?? null;
  if (call.state === undefined) return none;
  if (call.saves && !existsSync(resolve(io.cwd, call.state))) {
    if (!existsSync(dirname(resolve(io.cwd, call.state)))) throw new Error(`There is no folder for ${call.state}`);
    return none;
  }
  return readJsonFile(call.state, io);
};

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

const asJson = (run: DryRun): unknown => {
  const { event, stateBefore, outcome, warnings, placeOf } = run;
  const place = outcome.outcome === 'failed' ? ownPlace(outcome, placeOf) : undefined;
  return {
    ...outcome,
    ...(outcome.outcome === 'failed' && {
      stack: outcome.stack.map(({ name, ...at }) => ({ name, place: textOf(placeOf(at)) })),
      causes: outcome.causes.map(({ message, stack }) => ({
        message,
        stack: stack.map(({ name, ...at }) => ({ name, place: textOf(placeOf(at)) })),
      })),
    }),
    stateJson: undefined,
    returned: undefined,
    changes: outcome.outcome === 'allowed' ? diffLines(event, outcome.event) : [],
    ignored: ignoredChanges(run),
    warnings,
    stateBefore,
    ...(place === undefined ? {} : { place: textOf(place) }),
  };
};
