// `hookwright fires replay`: the event of one fire comes again, or those of many; and how a replay
// of many gets on.
import type { Hooks, ReplayFiresRequest, ReplayStatus } from '#client';
import { OperatorError } from '../../core/errors.ts';
import type { Call, Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { requireCount } from '../cli/input/require-id.ts';
import type { Paint } from '../cli/output.ts';
import { pairs, table } from '../cli/table.ts';
import { requireFire } from '../hooks/fire-number.ts';
import { filterOf, timesOf } from './fire-filter.ts';

const LOOK_EVERY_MS = 500;

export const replayFires: Run = async (call) => {
  const [fire, job] = [call.text('FIRE'), call.text('job')];
  const request = manyIn(call);
  const isMany = Object.keys(request).length > 0 || call.has('start');
  if ([fire !== undefined, job !== undefined, isMany].filter(Boolean).length !== 1) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: 'It takes the number of one fire, or options that say which are meant, or --job',
      cure: 'For many, try first what it finds, such as: hookwright fires replay --hook my-group/* --outcome failed',
    });
  }
  if (fire !== undefined) return replayOne(call, requireFire(fire));
  const { hooks } = await call.connect();
  if (job !== undefined) return tellJob(call, hooks, job);
  return replayMany(call, hooks, { ...request, ...revisionIn(call) });
};

const revisionIn = (call: Call) => ({ as: call.has('then') ? ('then' as const) : ('now' as const) });

const replayOne = async (call: Call, seq: number): Promise<number> => {
  const { hooks } = await call.connect();
  const answer = await hooks.replayFire(String(seq), revisionIn(call));
  const { outcome, taskId, reason } = answer;
  const isGood = outcome === 'created' || outcome === 'pending' || outcome === 'declined';
  call.output.answer(answer, (paint) => {
    const rows = [
      ['outcome', outcome],
      ['task', outcome === 'created' || outcome === 'pending' ? taskId : undefined],
      ['reason', reason],
    ] as const;
    return pairs(rows, paint);
  });
  return isGood ? EXIT_STATUS.done : EXIT_STATUS.failed;
};

/** Which fires are meant; empty: nothing says so. */
const manyIn = (call: Call): Partial<ReplayFiresRequest> => {
  const outcomes = call.list('outcome') as NonNullable<ReplayFiresRequest['outcome']>;
  return { ...filterOf(call), ...(outcomes.length > 0 && { outcome: outcomes }), ...timesOf(call) };
};

const replayMany = async (call: Call, hooks: Hooks, request: Partial<ReplayFiresRequest>): Promise<number> => {
  const rate = call.text('rate');
  const asked = { ...request, ...(rate !== undefined && { rate: requireCount('rate', rate) }) };
  const found = await hooks.replayFires(asked);
  const rows = found.hooks.map(({ hookGroupId, hookId, count }) => [`${hookGroupId}/${hookId}`, String(count)]);
  if (!call.has('start') || found.count === 0) {
    call.output.answer(found, (paint) => table(['HOOK', 'EVENTS'], rows, { paint, empty: 'Nothing fits.' }));
    if (found.count > 0) call.output.remark(`Nothing was done. To fire ${countText(found.count)} again, add --start.`);
    return EXIT_STATUS.done;
  }
  const { jobId, count } = await hooks.replayFires({ ...asked, count: found.count, jobId: found.jobId });
  call.output.remark(`Firing ${countText(count)} again. Ctrl-C ends the waiting, not the replay:`);
  call.output.remark(`hookwright fires replay --job ${jobId} shows how it gets on, with --cancel stops it.`);
  return told(call, await whenOver(call, hooks, jobId));
};

const countText = (count: number): string => (count === 1 ? 'one event' : `${count} events`);

const whenOver = async ({ clock }: Call, hooks: Hooks, jobId: string): Promise<ReplayStatus> => {
  for (;;) {
    const status = await hooks.replayStatus(jobId);
    if (status.state !== 'running') return status;
    await clock.sleep(LOOK_EVERY_MS);
  }
};

const tellJob = async (call: Call, hooks: Hooks, jobId: string): Promise<number> =>
  told(
    call,
    call.has('cancel') ? ((await hooks.cancelReplay(jobId)) as ReplayStatus) : await hooks.replayStatus(jobId),
  );

const told = (call: Call, status: ReplayStatus): number => {
  call.output.answer(status, (paint) => describe(status, paint));
  return status.notReplayed.length > 0 ? EXIT_STATUS.failed : EXIT_STATUS.done;
};

const describe = ({ jobId, state, total, done, outcomes, notReplayed, cancelledBy }: ReplayStatus, paint: Paint) => {
  const rows = [
    ['replay', jobId],
    ['state', `${state}${cancelledBy === undefined ? '' : ` by ${cancelledBy}`}`],
    ['events', `${done} of ${total}`],
    ...Object.entries(outcomes).map(([outcome, count]) => [outcome, String(count)] as const),
    ...notReplayed.map(({ seq, reason }) => [`fire ${seq}`, reason] as const),
  ] as const;
  return pairs(rows, paint);
};
