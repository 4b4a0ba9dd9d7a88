// The outcome of a dry run, in words.
import type { Event } from '../../community/types/event.ts';
import { eventKindName } from '../sandbox/lazy-event.ts';
import type { Outcome } from '../types.ts';
import { diffLines, short } from './diff.ts';

export type DryRun = {
  readonly script: string;
  readonly event: Event;
  readonly stateBefore: unknown;
  readonly outcome: Outcome;
  /** Where a failure was, if it is known. */
  readonly place: string | undefined;
};

/** A page of text for a terminal. */
export const explain = ({ script, event, stateBefore, outcome, place }: DryRun): string => {
  const changes = outcome.outcome === 'allowed' ? diffLines(event, outcome.event) : [];
  const stateChanges = diffLines(stateBefore, outcome.state);
  const sections: [title: string, lines: string[]][] = [
    ['changes to the event', changes],
    ['effects, done after the event', outcome.effects.map((effect, index) => `${index + 1}. ${short(effect)}`)],
    [
      'state',
      stateChanges.length === 0
        ? []
        : [`before: ${short(stateBefore)}`, `after:  ${short(outcome.state)}`, ...stateChanges],
    ],
    ['printed', [...outcome.prints]],
    ['refused', outcome.dropped.map(({ pointer, reason }) => `${pointer} ${reason}`)],
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
    `${headline(outcome, place)}\n${shown.join('')}\n${quiet.length === 0 ? '' : `${quiet.join(', ')}\n`}${script} on ${eventKindName(event)}, ${time}, --seed ${outcome.seed}\n`,
  );
};

/** A script must not steer the terminal: control characters are shown as escapes. */
const visible = (text: string): string =>
  text.replace(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );

const headline = (outcome: Outcome, place: string | undefined): string => {
  switch (outcome.outcome) {
    case 'allowed':
      return 'ALLOWED';
    case 'denied':
      return outcome.reason === null ? 'DENIED, without a reason' : `DENIED: ${outcome.reason}`;
    case 'failed':
      return `FAILED (${outcome.kind}): ${outcome.message}${place === undefined ? '' : `\n  at ${place}`}\n  A server would go on as if the hook were not there, or deny the event, as the hook is set.`;
  }
};
