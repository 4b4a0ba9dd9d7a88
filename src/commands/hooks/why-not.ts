// `hookwright hooks why-not`: whether an event leads to a fire of a hook, and if not, where it
// ends.
import { toIso } from '../../core/clock.ts';
import { OperatorError } from '../../core/errors.ts';
import type { Run } from '../cli/command.ts';
import { momentOf } from '../cli/input/moment.ts';
import { pairs, table } from '../cli/table.ts';
import { hookOf } from './hook-name.ts';

export const whyNot: Run = async (call) => {
  const name = hookOf(call);
  const [exchange, routingKey, at] = [call.text('EXCHANGE'), call.text('KEY'), call.text('at')];
  if ((at === undefined) === (exchange === undefined) || (exchange === undefined) !== (routingKey === undefined)) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: 'It takes either an exchange with a routing key, or --at with a time',
      cure: 'For a message: EXCHANGE KEY; for the schedule: --at 2030-01-31T12:00:00Z',
    });
  }
  const asked =
    at === undefined
      ? { exchange: exchange ?? '', routingKey: routingKey ?? '' }
      : { at: toIso(momentOf(at, call.clock, { option: 'at' })) };
  const { hooks } = await call.connect();
  const answer = await hooks.whyNot(...name, asked);
  const { reaches, reason, steps, nearest = [], seq, outcome } = answer;
  call.output.answer(answer, (paint) => {
    const rows = [
      ['fires', reaches ? 'yes' : 'no'],
      ['reason', reason],
      ['fire', seq === undefined ? undefined : String(seq)],
      ['outcome', outcome],
      ...nearest.map((one) => ['nearest', one] as const),
    ] as const;
    const done = steps.map(({ step, passed, what }) => [step, passed ? 'passed' : 'ended', what]);
    return `${pairs(rows, paint)}\n${table(['STEP', 'EVENT', 'WHAT'], done, { paint, empty: '' })}`;
  });
  return 0;
};
