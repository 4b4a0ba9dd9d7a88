// The mail that the owner of a hook gets when a fire that nobody stood by at ended without a task.
// What it says is what the ledger says.
import { type Clock, toIso } from '../../core/clock.ts';
import type { Transaction } from '../../database/database.ts';
import type { FireOutcome } from '../../ledger/entry.ts';
import type { Mail } from '../../mail/mailer.ts';
import { type HookDefinition, hookRole } from '../definition.ts';
import { takeMailTurn } from '../hooks/hook-state.ts';
import type { HookStore } from '../hooks/hook-store.ts';
import type { Notice, NoticedEvent } from './fire-runner.ts';

export type EnqueueMail = (tx: Transaction, one: { readonly key: string; readonly mail: Mail }) => Promise<void>;

export type FailureMailSettings = {
  readonly hooks: HookStore;
  /** undefined: mail is not configured. */
  readonly enqueue: EnqueueMail | undefined;
  readonly rootUrl: () => string;
  readonly clock: Clock;
};

/** A hook that fails each second is one piece of news. */
const QUIET_MS = 60 * 60 * 1000;

export const createFailureMail =
  ({ hooks, enqueue, rootUrl, clock }: FailureMailSettings): Notice =>
  async (tx, fire, outcome, error) => {
    if (!enqueue) return;
    const hook = (await hooks.findMany([fire.hookUid], tx)).get(fire.hookUid);
    if (!hook?.definition.metadata.emailOnError) return;
    const now = clock.now();
    if (!(await takeMailTurn(tx, hook.uid, now, now - QUIET_MS))) return;
    const mail = describeFailure(hook.definition, fire, outcome, error, rootUrl());
    await enqueue(tx, { key: `hook:${hook.uid}`, mail });
  };

const describeFailure = (
  { hookGroupId, hookId, metadata }: HookDefinition,
  fire: NoticedEvent,
  outcome: FireOutcome,
  error: unknown,
  rootUrl: string,
): Mail => {
  const name = `${hookGroupId}/${hookId}`;
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
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
};
