// `hookwright scripts runs`: what became of the runs of script hooks, and with --follow of those
// that come.
import type { ScriptHooks } from '#client';
import { OperatorError } from '../../core/errors.ts';
import type { Call, Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { requireCount } from '../cli/input/require-id.ts';
import { keepLooking } from '../cli/keep-looking.ts';
import { asJson, type Colour, oneLine, type Paint } from '../cli/output.ts';
import { scriptId } from './sent-script.ts';

type RunEntry = Awaited<ReturnType<ScriptHooks['listRuns']>>['runs'][number];
type Filter = { readonly hook?: string; readonly origin?: string };

const LOOK_EVERY_MS = 500;
/** How far behind the newest one a run may come in, in ids: what was committed late is seen too. */
const LOOK_BACK = 200;

export const scriptRuns: Run = async (call) => {
  const limit = requireCount('limit', call.text('limit') ?? '20');
  const { scripts } = await call.connect();
  const one = call.text('run');
  if (one !== undefined) {
    const run = await scripts.run(runId(one));
    call.output.answer(run, (paint) => `${textOf(run, paint)}event:\n${JSON.stringify(run.event, null, 2)}\n`);
    return EXIT_STATUS.done;
  }
  const [named, origin] = [call.text('SCRIPT'), call.text('channel')];
  const hook = named === undefined ? undefined : await scriptId(scripts, named);
  const filter: Filter = { ...(hook !== undefined && { hook }), ...(origin !== undefined && { origin }) };
  const runs = await newest(scripts, filter, limit);
  if (call.has('follow')) return follow(call, filter, runs);
  call.output.answer(
    runs,
    (paint) =>
      runs
        .toReversed()
        .map((run) => textOf(run, paint))
        .join('') || 'No script hook has run yet.\n',
  );
  return EXIT_STATUS.done;
};

/** Throws HW_BAD_OPTION. */
export const runId = (text: string): string => {
  if (/^[1-9]\d{0,14}$/.test(text)) return text;
  throw new OperatorError('HW_BAD_OPTION', {
    problem: `"${text}" is no run`,
    cure: 'Give the number that hookwright scripts runs shows first',
  });
};

const newest = async (scripts: ScriptHooks, filter: Filter, limit: number): Promise<RunEntry[]> => {
  const found: RunEntry[] = [];
  for (let token: string | undefined; ; ) {
    const left = String(Math.min(limit - found.length, 100));
    const page = await scripts.listRuns({ ...filter, limit: left, ...(token && { continuationToken: token }) });
    found.push(...page.runs);
    token = page.continuationToken;
    if (token === undefined || found.length >= limit) return found;
  }
};

const follow = (call: Call, filter: Filter, known: readonly RunEntry[]): Promise<number> => {
  const { output } = call;
  const say = (runs: readonly RunEntry[]) => {
    for (const run of runs) output.line(output.isJson ? asJson(run, 0) : textOf(run, output.paint).trimEnd());
  };
  let unsaid = known.toReversed();
  let top = known[0]?.id ?? 0;
  // What was there before and is not shown is not news.
  let floor = known.length === 0 ? 0 : Math.max(known.at(-1)?.id ?? 0, top - LOOK_BACK);
  const seen = new Set(known.map(({ id }) => id));
  return keepLooking(call, LOOK_EVERY_MS, async ({ connection: { scripts }, answered }) => {
    say(unsaid);
    unsaid = [];
    const near = [...seen].filter((id) => id > floor);
    const { runs } = await scripts.followRuns({
      ...{ ...filter, after: String(floor) },
      ...(near.length > 0 && { seen: near.join(',') }),
    });
    answered();
    say(runs);
    for (const { id } of runs) seen.add(id);
    top = Math.max(top, ...runs.map(({ id }) => id));
    floor = Math.max(floor, top - LOOK_BACK);
    for (const id of seen) if (id <= floor) seen.delete(id);
  });
};

const COLOURS: Readonly<Record<string, Colour>> = { allowed: 'green', denied: 'yellow', failed: 'red', limited: 'red' };

/** A line, and one for each print, effect that was refused, and thing that did not count. */
const textOf = (run: RunEntry, paint: Paint): string => {
  const { id, time, hook, name, outcome, eventKind, origin, src, reason, prints, effects, dropped, failedEffects } =
    run;
  const changed = run.changedEvent === undefined ? '' : ', changed';
  const reasons = reason === null ? '' : `: ${oneLine(reason)}`;
  const count = effects.length === 0 ? '' : `, ${effects.length} effect${effects.length === 1 ? '' : 's'}`;
  const lines = [
    `${id}  ${time}  ${oneLine(name ?? hook)}  ${paint(COLOURS[outcome] ?? 'dim', outcome)}${changed}${reasons}`,
    `    ${paint('dim', `${eventKind} by ${src} in ${origin ?? 'no channel'}, ${run.durationMs.toFixed(1)} ms${count}`)}`,
    ...prints.flatMap((print) => print.split('\n').map((line) => `    | ${oneLine(line)}`)),
    ...failedEffects.map((effect) => `    effect ${effect.index + 1} was refused: ${oneLine(effect.reason)}`),
    ...dropped.map((one) => `    ${oneLine(one.pointer)} ${oneLine(one.reason)}`),
  ];
  return `${lines.join('\n')}\n`;
};
