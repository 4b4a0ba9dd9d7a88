// The mail that the owner of a hook gets when a fire without a caller ended without a task. It says
// what the ledger says.
import { type Clock, toIso } from '../../core/clock.ts';
import type { Transaction } from '../../database/database.ts';
import type { FireOutcome } from '../../ledger/entry.ts';
import type { Mail } from '../../mail/mailer.ts';
import { type HookDefinition, hookRole } from '../definition.ts';
import { takeMailTurns } from '../hooks/hook-state.ts';
import type { HookStore } from '../hooks/hook-store.ts';
import type { EndedFire } from './fire.ts';

export type EnqueueMail = (tx: Transaction, one: { readonly key: string; readonly mail: Mail }) => Promise<void>;

export type FailureMailSettings = {
  readonly hooks: HookStore;
  /** undefined: mail is not configured. */
  readonly enqueue: EnqueueMail | undefined;
  readonly rootUrl: () => string;
  readonly clock: Clock;
};

/** Mails about those of the fires that are mailed about, when the caller's transaction commits. */
export type FailureMail = (tx: Transaction, ended: readonly EndedFire[]) => Promise<void>;

/** A hook that fails each second is one piece of news. */
const QUIET_MS = 60 * 60 * 1000;

/** A caller sees the answer; the owner learns of the other failures only when they are told. */
export const isMailed = ({ firedBy, outcome }: EndedFire): boolean =>
  (firedBy === 'schedule' || firedBy === 'pulseMessage') &&
  (outcome === 'failed' || outcome === 'exhausted' || outcome === 'limited');

export const createFailureMail =
  ({ hooks, enqueue, rootUrl, clock }: FailureMailSettings): FailureMail =>
  async (tx, ended) => {
    const failed = firstOfEachHook(ended.filter(isMailed));
    if (!enqueue || failed.size === 0) return;
    const found = [...(await hooks.findMany([...failed.keys()], tx)).values()];
    const wanted = found.filter(({ definition }) => definition.metadata.emailOnError).map(({ uid }) => uid);
    const now = clock.now();
    const turns = await takeMailTurns(tx, wanted, now, now - QUIET_MS);
    // In one order, so that two who mail about the same hooks wait for each other instead of
    // locking each other out.
    for (const hook of found.filter(({ uid }) => turns.has(uid)).sort((a, b) => (a.uid < b.uid ? -1 : 1))) {
      const mail = describeFailure(hook.definition, failed.get(hook.uid) as EndedFire, rootUrl());
      await enqueue(tx, { key: `hook:${hook.uid}`, mail });
    }
  };

/** The mail says that there may be more. */
const firstOfEachHook = (fires: readonly EndedFire[]): ReadonlyMap<string, EndedFire> =>
  new Map(fires.toReversed().map((fire) => [fire.hookUid, fire]));

const describeFailure = ({ hookGroupId, hookId, metadata }: HookDefinition, fire: EndedFire, rootUrl: string): Mail => {
  const name = `${hookGroupId}/${hookId}`;
  const { outcome } = fire;
  const { code, message } = (fire.error ?? {}) as { code?: string; message?: string };
  return {
    to: metadata.owner,
    subject: `Hook ${name} made no task (${outcome})`,
    text: [
      `The hook ${name} ("${metadata.name}") at ${rootUrl} was to make a task, and the queue never said that there is one.`,
      '',
      `  event:    ${EVENTS[fire.firedBy]} ${toIso(fire.arrived)}`,
      `  outcome:  ${outcome}: ${MEANINGS[outcome]}`,
      `  taskId:   ${fire.taskId}${outcome === 'exhausted' ? ' (a try whose answer was lost may have made it all the same)' : ''}`,
      `  role:     ${hookRole({ hookGroupId, hookId })}`,
      '',
      code === undefined ? 'The reason:' : `The reason (${code}):`,
      '',
      ...(message ?? 'none was recorded').split('\n').map((line) => `  ${line}`),
      '',
      'This event will not be tried again. Later failures of this hook within the hour are not mailed; its last fires have them all.',
      'To have no such mail, set "emailOnError" to false in the metadata of the hook.',
    ].join('\n'),
  };
};

const EVENTS = {
  schedule: 'its schedule, due at',
  pulseMessage: 'a message, accepted at',
  triggerHook: 'an API call at',
  triggerHookWithToken: 'a webhook at',
} as const;

const MEANINGS: Readonly<Record<FireOutcome, string>> = {
  created: 'a task exists',
  declined: 'the template rendered to nothing',
  rejected: 'the payload does not fit the trigger schema',
  failed: 'an error that trying again cannot mend',
  exhausted: 'tried until the deadline of the task',
  missed: 'it passed while nothing ran',
  limited: 'a bound of time, size or rate was reached',
  skipped: 'it was a copy of an event that had fired',
};
