// HostAnswers for a dry run: what the caller gave, and for the rest a small club on ~zod, at the
// event's own time.

import { millisFromId, parseId } from '../../community/schema/id.ts';
import type { Event } from '../../community/types/event.ts';
import type { Bowl } from '../types.ts';

/**
 * A bowl for an event. What `given` has wins; times and senders that it leaves out come from the
 * event.
 */
export const completeBowl = (event: Event, given: Partial<Bowl>, hookName: string): Bowl => ({
  our: '~zod',
  src: senderOf(event) ?? given.our ?? '~zod',
  now: timeOf(event) ?? 0,
  state: null,
  config: {},
  hook: { id: '0v1', name: hookName },
  channel: { nest: 'chat/~zod/lounge', posts: [] },
  group: { flag: '~zod/club', fleet: { '~zod': { sects: ['admin'], joined: 0 } } },
  ...given,
});

/** The innermost values of these keys, looked for in the part of the event that is new. */
const find = (value: unknown, key: string): unknown => {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const part of ['essay', 'memo', 'reply', 'post', 'original', 'parent']) {
    const found = find((value as Record<string, unknown>)[part], key);
    if (found !== undefined) return found;
  }
  return (value as Record<string, unknown>)[key];
};

const actionOf = (event: Event): unknown => {
  const inside = Object.values(event)[0] as unknown;
  return 'wake' in event || inside === null ? inside : Object.values(inside as object)[0];
};

const senderOf = (event: Event): string | undefined => {
  const action = actionOf(event) as Record<string, unknown> | null;
  const sender = action?.ship ?? find(action, 'author');
  return typeof sender === 'string' ? sender : undefined;
};

const timeOf = (event: Event): number | undefined => {
  const action = actionOf(event) as Record<string, unknown> | null;
  const sent = action?.['fires-at'] ?? find(action, 'sent');
  if (typeof sent === 'number') return sent;
  const id = find(action, 'id');
  const number = typeof id === 'string' ? parseId(id) : null;
  return number === null ? undefined : millisFromId(number);
};
