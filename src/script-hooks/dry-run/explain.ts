// The outcome of a dry run, in words.
import type { Event } from '../../community/types/event.ts';
import { diffLines, short } from '../../core/diff-lines.ts';
import { eventKindName } from '../sandbox/lazy-event.ts';
import type { Outcome, Thrown } from '../types.ts';
import type { Script, WrittenPlace } from './bundle.ts';

export type DryRun = {
  readonly script: string;
  readonly event: Event;
  readonly stateBefore: unknown;
  readonly outcome: Outcome;
  readonly warnings: readonly string[];
  readonly placeOf: Script['placeOf'];
};

/** A page of text for a terminal. */
export const explain = (run: DryRun): string => {
  const { script, event, stateBefore, outcome, warnings } = run;
  const changes = outcome.outcome === 'allowed' ? diffLines(event, outcome.event) : [];
  const stateChanges = diffLines(stateBefore, outcome.state);
  const sections: [title: string, lines: string[]][] = [
    ['changes to the event', changes],
    ['changes that do not count', ignoredChanges(run)],
    ['effects, done after the event', outcome.effects.map((effect, index) => `${index + 1}. ${short(effect)}`)],
    [
      'state',
      stateChanges.length === 0
        ? []
        : [`before: ${short(stateBefore)}`, `after:  ${short(outcome.state)}`, ...stateChanges],
    ],
    ['printed', outcome.prints.flatMap((print) => print.split('\n'))],
    ['does not count', outcome.dropped.map(({ pointer, reason }) => `${pointer} ${reason}`)],
    ['warnings', [...warnings]],
  ];
  const quiet = [
    ...(outcome.outcome === 'allowed' && changes.length === 0 ? ['the event is unchanged'] : []),
    ...(outcome.effects.length === 0 ? ['no effects'] : []),
    ...(stateChanges.length === 0 ? ['the state is unchanged'] : []),
    ...(outcome.prints.length === 0 ? ['nothing printed'] : []),
  ];
  const shown = sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `\n${title}:\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
  const time = `${outcome.durationMs.toFixed(1)} ms`;
  return visible(
    `${headline(run)}\n${shown.join('')}\n${quiet.length === 0 ? '' : `${quiet.join(', ')}\n`}${script} on ${eventKindName(event)}, ${time}, --seed ${outcome.seed}\n`,
  );
};

/** What the script changed in parts of the event that it cannot change. */
export const ignoredChanges = ({ event, outcome }: Pick<DryRun, 'event' | 'outcome'>): string[] => {
  if (outcome.outcome !== 'allowed' || outcome.returned === undefined) return [];
  const pathOf = (line: string): string => line.slice(2).split(': ')[0] as string;
  const counted = new Set(diffLines(event, outcome.event).map(pathOf));
  // A spelling that was put right is no change.
  const same = (line: string): boolean => counted.has(pathOf(line)) || isWithin(counted, pathOf(line));
  return diffLines(event, outcome.returned).filter((line) => !same(line));
};

const isWithin = (paths: ReadonlySet<string>, path: string): boolean =>
  [...paths].some((other) => path.startsWith(`${other}/`) || other.startsWith(`${path}/`));

/** A script must not steer the terminal: control characters are shown as escapes. */
export const visible = (text: string): string =>
  text.replace(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );

const headline = (run: DryRun): string => {
  const { outcome } = run;
  switch (outcome.outcome) {
    case 'allowed':
      return 'ALLOWED';
    case 'denied':
      return outcome.reason === null ? 'DENIED, without a reason' : `DENIED: ${outcome.reason}`;
    case 'failed':
      return `FAILED (${outcome.kind}): ${outcome.message}\n${whereabouts(run)}  A server would go on as if the hook were not there, or deny the event, as the hook is set.`;
  }
};

/** The author's own line with a caret, the calls that led there, and the same for the causes. */
const whereabouts = ({ outcome, placeOf }: DryRun): string => {
  if (outcome.outcome !== 'failed') return '';
  const lines = placed(outcome, placeOf);
  for (const cause of outcome.causes) lines.push(`  caused by ${cause.message}`, ...placed(cause, placeOf));
  return lines.map((line) => `${line}\n`).join('');
};

const placed = ({ stack }: Pick<Thrown, 'stack'>, placeOf: Script['placeOf']): string[] => {
  const place = ownPlace({ stack }, placeOf);
  if (place === undefined) return [];
  const others = stack
    .map((frame) => ({ name: frame.name, place: textOf(placeOf(frame)) }))
    .filter((frame, index) => index > 0 || frame.place !== textOf(place));
  return [
    `  at ${textOf(place)}`,
    ...codeFrame(place),
    ...others.map(({ name, place: other }) => `     ${name === '' ? '' : `${name}, `}${other}`),
  ];
};

/** The innermost place that the author wrote; of a package's error, the call of it. */
export const ownPlace = ({ stack }: Pick<Thrown, 'stack'>, placeOf: Script['placeOf']): WrittenPlace | undefined => {
  const places = stack.map(placeOf);
  return places.find(({ isOwn }) => isOwn) ?? places[0];
};

export const textOf = ({ file, line, column }: WrittenPlace): string => `${file}:${line}:${column}`;

/** Longer lines are those of bundles and generated code. */
const LONGEST_LINE = 200;

/** A line of source with a caret below. */
export const codeFrame = ({ line, column, text }: WrittenPlace): string[] => {
  if (text === undefined || text.trim() === '' || text.length > LONGEST_LINE) return [];
  const number = String(line);
  const before = text.slice(0, column - 1).replace(/[^\t]/g, ' ');
  const indent = ' '.repeat(number.length);
  return [`    ${number} | ${text.trimEnd()}`, `    ${indent} | ${before}^`].map((shown) =>
    shown.replaceAll('\t', '  '),
  );
};
