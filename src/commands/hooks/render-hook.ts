// `hookwright hooks render`: what a hook, or a definition that is not saved, makes of an event.
// Nothing comes of it.
import type { HookDefinition, Hooks, RenderLastResponse, RenderResponse } from '#client';
import { toIso } from '../../core/clock.ts';
import { OperatorError } from '../../core/errors.ts';
import type { Call, Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { momentOf } from '../cli/input/moment.ts';
import { readPayload } from '../cli/input/payload.ts';
import { asYaml, readDocument } from '../cli/input/read-document.ts';
import { requireCount } from '../cli/input/require-id.ts';
import { oneLine, type Paint } from '../cli/output.ts';
import { reasonOf } from '../cli/reason-of.ts';
import { pairs, table } from '../cli/table.ts';
import { paintDiff } from './diff-text.ts';
import { requireFire } from './fire-number.ts';
import { type HookArguments, readHookName } from './hook-name.ts';

type Definition = Parameters<Hooks['renderLast']>[2]['definition'];
/** `definition` is absent: the saved one is tried. */
type Target = { readonly name: HookArguments; readonly definition?: Definition };

export const renderHook: Run = async (call) => {
  refuseSeveralEvents(call);
  const target = await readTarget(call);
  const last = call.text('last');
  if (last !== undefined) return tryLast(call, target, requireCount('last', last));
  const event = await readEvent(call);
  const { hooks } = await call.connect();
  const { name, definition } = target;
  const [hookGroupId, hookId] = name;
  const answer =
    definition === undefined
      ? await hooks.renderHook(...name, event)
      : await hooks.renderDefinition({ ...event, hookGroupId, hookId, definition });
  call.output.answer(answer, (paint) => describe(answer, paint));
  return GOOD.includes(answer.outcome) ? EXIT_STATUS.done : EXIT_STATUS.failed;
};

const GOOD: readonly string[] = ['created', 'pending', 'declined'];

const refuseSeveralEvents = (call: Call): void => {
  const isPayload = call.text('payload') !== undefined || call.text('FILE') !== undefined;
  const given = [isPayload, call.text('fire') !== undefined, call.text('last') !== undefined];
  if (given.filter(Boolean).length < 2) return;
  throw new OperatorError('HW_BAD_OPTION', {
    problem: 'A payload, --fire and --last each say which event is tried, and more than one of them is given',
    cure: 'Give one of them',
  });
};

/** A hook's name has no dot in it, and a file's has one as a rule. */
const isFile = (text: string): boolean => text === '-' || text.includes('.');

const readTarget = async (call: Call): Promise<Target> => {
  const given = call.argument('GROUP/HOOK');
  const named = call.text('hook');
  if (!isFile(given)) return { name: readHookName(given) };
  const document = await readDocument(given, call);
  const { hookGroupId, hookId } = document as Partial<HookDefinition>;
  const own = typeof hookGroupId === 'string' && typeof hookId === 'string' ? `${hookGroupId}/${hookId}` : undefined;
  const name = named ?? own;
  if (name === undefined) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: `${given} does not say of which hook it is the definition`,
      cure: 'Add --hook GROUP/HOOK; it is tried with the role of that hook, which need not be there',
    });
  }
  return { name: readHookName(name), definition: document as Definition };
};

const readEvent = async (call: Call) => {
  const [fire, firedBy, now] = [call.text('fire'), call.text('fired-by'), call.text('now')];
  const isPayload = call.text('payload') !== undefined || call.text('FILE') !== undefined;
  return {
    ...(fire !== undefined && { seq: requireFire(fire) }),
    // The server says which there are.
    ...(firedBy !== undefined && { firedBy: firedBy as 'schedule' }),
    ...(isPayload && { payload: await readPayload(call) }),
    ...(now !== undefined && { now: toIso(momentOf(now, call.clock, { option: 'now' })) }),
  };
};

const describe = (answer: RenderResponse, paint: Paint): string => {
  const { outcome, taskId, schema, template, queue, missingScopes, error, evaluatedIn, isRedacted, task } = answer;
  const rows = [
    ['outcome', outcome],
    ['task', outcome === 'created' ? taskId : undefined],
    ['schema', schema && (schema.fits ? 'the payload fits' : (schema.problems ?? []).map(problemText).join('; '))],
    ['template', template?.problem],
    ['queue', queue && (queue.unchecked ?? (queue.accepts ? 'would take the task' : 'would refuse the task'))],
    ['missing', missingScopes === undefined ? undefined : JSON.stringify(missingScopes)],
    // What does not fit or does not render was told.
    ['error', error && schema?.fits !== false && !template ? reasonOf(error) : undefined],
    ['evaluated', evaluatedIn === 'process' ? 'in a process of its own, because it may be costly' : undefined],
    ['event', isRedacted ? 'something was taken out of it before it was kept' : undefined],
  ] as const;
  return `${pairs(rows, paint)}${task === undefined ? '' : `\n${asYaml(task)}`}`;
};

const problemText = ({ problem, pointer }: { readonly problem: string; readonly pointer?: string }): string =>
  pointer ? `${problem} (at ${pointer})` : problem;

const tryLast = async (call: Call, { name, definition }: Target, most: number): Promise<number> => {
  const { hooks } = await call.connect();
  const outcome = call.text('outcome');
  const answer = await hooks.renderLast(...name, {
    definition: definition ?? ((await hooks.hook(...name)) as Definition),
    most,
    ...(outcome !== undefined && { outcome: outcome as 'failed' }),
  });
  call.output.answer(answer, (paint) => describeLast(answer, paint));
  if (answer.notKept > 0) call.output.remark(`Of ${answer.notKept} events the payload is not kept, or not whole.`);
  if (answer.isCut) call.output.remark('It took too long; older events were not tried.');
  return answer.events.some(({ verdict }) => verdict === 'worse') ? EXIT_STATUS.failed : EXIT_STATUS.done;
};

const describeLast = ({ events }: RenderLastResponse, paint: Paint): string => {
  const rows = events.map(({ seq, arrived, verdict, was, is, error }) => [
    ...[String(seq), arrived, verdict, was, is],
    error && reasonOf(error),
  ]);
  const empty = 'No event of this hook can be tried.';
  const told = table(['FIRE', 'ARRIVED', 'VERDICT', 'NOW', 'WOULD BE', 'REASON'], rows, { paint, empty });
  const diffs = events.map(({ seq, diff = [] }) =>
    diff.length === 0 ? '' : `\n${oneLine(`The task of ${seq}:`)}\n${paintDiff(diff, paint)}\n`,
  );
  return `${told}${diffs.join('')}`;
};
