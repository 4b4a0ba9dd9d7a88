// Which rows of the ledger are meant: the options that search, follow and replay share.
import type { FollowFiresQuery, SearchFiresResponse } from '#client';
import { toIso } from '../../core/clock.ts';
import type { Call, Option } from '../cli/command.ts';
import { momentOf } from '../cli/input/moment.ts';

export type FoundFire = SearchFiresResponse['fires'][number];

export const FILTER_OPTIONS: readonly Option[] = [
  { name: 'hook', value: 'GROUP/HOOK', help: 'Only this hook; * stands for any characters' },
  {
    name: 'outcome',
    value: 'OUTCOME',
    isList: true,
    help: 'Ended so: created, declined, rejected, failed and the like',
  },
  { name: 'fired-by', value: 'CAUSE', help: 'Such as triggerHook, triggerHookWithToken, pulseMessage or schedule' },
  { name: 'by', value: 'CLIENT', help: 'Fired by this client' },
  { name: 'task', value: 'TASK', help: 'With this task' },
  { name: 'cause', value: 'TEXT', help: 'With exactly this cause, such as replay:7:1' },
  { name: 'request', value: 'ID', help: 'Only this request, or this replay of many' },
  { name: 'text', value: 'TEXT', help: 'With this in the reason, whatever the case' },
];

export const TIME_OPTIONS: readonly Option[] = [
  { name: 'since', value: 'TIME', help: 'From then on: a date, or how long ago, such as 12h or 7d' },
  { name: 'until', value: 'TIME', help: 'Before then' },
];

/** The options as the methods of the API call them. */
export const filterOf = (call: Call): Omit<FollowFiresQuery, 'outcome' | 'kind' | 'after'> => {
  const fields = { hook: 'hook', firedBy: 'fired-by', clientId: 'by', taskId: 'task', cause: 'cause' } as const;
  const more = { requestId: 'request', text: 'text' } as const;
  return Object.fromEntries(
    Object.entries({ ...fields, ...more }).flatMap(([field, option]) => {
      const value = call.text(option);
      return value === undefined ? [] : [[field, value]];
    }),
  );
};

/** With the list of outcomes as a query has it. */
export const queryOf = (call: Call): Omit<FollowFiresQuery, 'after'> => {
  const [outcomes, kinds] = [call.list('outcome'), call.list('kind')];
  return {
    ...filterOf(call),
    ...(outcomes.length > 0 && { outcome: outcomes.join(',') }),
    ...(kinds.length > 0 && { kind: kinds.join(',') }),
  };
};

/** Throws HW_BAD_OPTION. */
export const timesOf = (call: Call): { readonly since?: string; readonly until?: string } => {
  const timeOf = (option: string) => {
    const text = call.text(option);
    return text === undefined ? {} : { [option]: toIso(momentOf(text, call.clock, { option, isAgo: true })) };
  };
  return { ...timeOf('since'), ...timeOf('until') };
};
