// Whether a source means anything to a ship: it is in that group, channel or conversation, or was
// told something there.
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { parseId } from '../schema/id.ts';
import type { ActivitySource } from '../types/activity.ts';
import { keyOf } from './sources.ts';

const asked = (name: string, text: string) =>
  statement<{ is_there: boolean }>(name, `select exists (${text}) as is_there`);

const isRecorded = asked(
  'activity.is-recorded',
  'select from activity_sources where owner = $1 and (key = $2 or $2 = any(parents))',
);
const isMember = asked('activity.is-member', 'select from group_members where ship = $1 and flag = $2');
const hasJoined = asked('activity.has-joined', 'select from channel_members where ship = $1 and nest = $2');
const hasThread = asked(
  'activity.has-thread',
  `select from channel_members m join posts p using (nest) where m.ship = $1 and m.nest = $2 and p.id = $3
   and p.doc is not null`,
);
const hasChat = asked('activity.has-chat', 'select from chats where owner = $1 and whom = $2');
const hasMessage = asked(
  'activity.has-message',
  `select from chat_messages where owner = $1 and whom = $2 and parent = '' and id = $3`,
);

export const isKnownSource = async (on: Queryable, owner: string, source: ActivitySource): Promise<boolean> => {
  if ('base' in source) return true;
  const ask = async (text: typeof isMember, values: readonly (string | null)[]) =>
    (await on.query(text, [owner, ...values]))[0]?.is_there === true;
  return (await ask(isRecorded, [keyOf(source)])) || (await isThere(ask, source));
};

type Ask = (text: typeof isMember, values: readonly (string | null)[]) => Promise<boolean>;

const isThere = async (ask: Ask, source: ActivitySource): Promise<boolean> => {
  if ('group' in source) return ask(isMember, [source.group]);
  if ('channel' in source) return ask(hasJoined, [source.channel.nest]);
  if ('thread' in source) {
    const { channel, key } = source.thread;
    return ask(hasThread, [channel, String(parseId(key.time) ?? 0)]);
  }
  if ('dm' in source) return ask(hasChat, [whomText(source.dm)]);
  if ('dm-thread' in source) return ask(hasMessage, [whomText(source['dm-thread'].whom), source['dm-thread'].key.id]);
  return false;
};

const whomText = (whom: { readonly ship: string } | { readonly club: string }) =>
  'ship' in whom ? whom.ship : whom.club;
