// `hookwright scripts replay` and `scripts test`: what was done once more, and what would have been
// done.
import { OperatorError } from '../../core/errors.ts';
import type { Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { requireCount } from '../cli/input/require-id.ts';
import { oneLine } from '../cli/output.ts';
import { runId } from './script-runs.ts';
import { objectOf, readSource } from './sent-script.ts';

export const replayRun: Run = async (call) => {
  const { scripts } = await call.connect();
  const answer = await scripts.replayRun(runId(call.argument('RUN')));
  const { isSame, differs, outcome, reason, effects, prints } = answer;
  call.output.answer(answer, () =>
    [
      isSame ? 'The same came out.' : `Something else came out: ${differs.join(', ')}.`,
      `${outcome}${reason === null ? '' : `: ${oneLine(reason)}`}, ${effects.length} effects`,
      ...prints.map((print) => `  | ${oneLine(print)}`),
    ].join('\n'),
  );
  return isSame ? EXIT_STATUS.done : EXIT_STATUS.failed;
};

/** Longer than a server lets a trial take. */
const TIMEOUT_MS = 60_000;

export const testScript: Run = async (call) => {
  const nest = call.text('channel');
  if (nest === undefined) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: 'No channel is given',
      cure: 'Name one: --channel chat/~zod/lounge',
    });
  }
  const script = await readSource(call);
  const last = requireCount('last', call.text('last') ?? '100');
  const json = call.text('config');
  const config = json === undefined ? {} : objectOf('config', json);
  const { scripts } = await call.connect();
  const patient = scripts.use({ timeoutMs: TIMEOUT_MS });
  const answer = await patient.tryScript({ src: script.source, nest, last, config });
  const { from, events, state, endedEarly } = answer;
  call.output.answer(answer, (paint) => {
    const what =
      from === 'runs' ? 'events that hooks of the channel saw' : 'posts of the channel, as if each came anew';
    const lines = events.flatMap((event) => [
      `${event.time}  ${event.eventKind} by ${event.ship}  ${paint(event.outcome === 'allowed' ? 'green' : 'red', event.outcome)}${
        event.reason === null ? '' : `: ${oneLine(event.reason)}`
      }`,
      ...event.changes.map((change) => `    ${oneLine(change)}`),
      ...event.effects.map((effect) => `    would do ${oneLine(JSON.stringify(effect))}`),
      ...event.prints.map((print) => `    | ${oneLine(print)}`),
      ...event.dropped.map((one) => `    ${oneLine(one.pointer)} ${oneLine(one.reason)}`),
    ]);
    return [
      ...lines,
      `${events.length} ${what}. Nothing was touched. Its state would be ${oneLine(JSON.stringify(state))}.`,
    ].join('\n');
  });
  if (endedEarly !== null) call.output.remark(`Not all events were tried: ${endedEarly}.`);
  return EXIT_STATUS.done;
};
