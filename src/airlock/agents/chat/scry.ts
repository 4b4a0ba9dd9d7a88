// What a ship reads of its conversations.
import { chat } from '../../../community/chat/chat.ts';
import type { Chat } from '../../../community/chat/chat-store.ts';
import { type MessagePageAsk, type PagedMessage, timeOfMoment } from '../../../community/chat/message-pages.ts';
import { parseId, withDots } from '../../../community/schema/id.ts';
import { normalizeShip } from '../../../community/schema/ship.ts';
import { parseUv } from '../../../community/schema/uv.ts';
import type { Database } from '../../../database/database.ts';
import { decodeKnot } from '../../vocabulary/knot.ts';
import { type AirlockWrit, airlockWrit } from '../../vocabulary/messages.ts';
import type { Json } from '../agent.ts';
import { readLists } from './init.ts';
import { olderPage, olderWrit, type WritPage } from './older-shapes.ts';
import { matchMention, matchText, type Search, searchMessages } from './search.ts';

type Scry = (path: string, ship: string) => Promise<Json | undefined>;

export const createChatScry = (database: Database): Scry => {
  const lists: Readonly<Record<string, (ship: string) => Promise<Json>>> = {
    '/dm': async (ship) => (await readLists(database, ship)).dms,
    '/dm/invited': async (ship) => (await readLists(database, ship)).invited,
    '/clubs': async (ship) => (await readLists(database, ship)).clubs,
    '/blocked': (ship) => chat.readBlocked(database, ship),
    '/blocked-by': (ship) => chat.readBlockers(database, ship),
    '/hidden-messages': (ship) => chat.readHidden(database, ship),
  };

  const chatOf = async (kind: string, whom: string, ship: string): Promise<Chat | undefined> => {
    const known = kind === 'dm' ? normalizeShip(whom) : parseUv(whom) === null ? null : whom;
    const found = known === null ? undefined : await chat.readChat(database, ship, known);
    return found && (found.club !== null) === (kind === 'club') ? found : undefined;
  };

  /** writ/id/<author>/<moment> */
  const writ = async (found: Chat, [, author, moment]: readonly string[]): Promise<AirlockWrit | undefined> => {
    const id = `${normalizeShip(author)}/${withDots(digits(moment))}`;
    const message = await chat.readPagedMessage(database, found, id);
    return message?.doc ? (airlockWrit(message) as AirlockWrit) : undefined;
  };

  const writs = async (found: Chat, verb: string, rest: readonly string[]): Promise<WritPage | undefined> => {
    const cursor = verb in CURSORS ? await timeOfMoment(database, found, digits(rest[0])) : '';
    const ask = askOf(verb, cursor, verb in CURSORS ? rest.slice(1) : rest);
    if (!ask) return undefined;
    const messages = await chat.readMessagePage(database, found, ask, { withReplies: rest.at(-1) !== 'light' });
    return pageOf(found, messages);
  };

  /** bounded/<text or mention>/<from>/<tries>/<what>; an empty `from` is the end. */
  const search = async (found: Chat, verb: string, parts: readonly string[]): Promise<Json | undefined> => {
    const [kind = '', from = '', tries, what = ''] = parts;
    const matches = matcherOf(kind, decodeKnot(what));
    if (verb !== 'bounded' || !matches) return undefined;
    const before = from === '' ? undefined : digits(from);
    return searchMessages(database, found, { before, tries: Number(digits(tries)), matches });
  };

  return async (path, ship) => {
    const list = lists[path];
    if (list) return list(ship);
    const [, version, kind = '', whom = '', room = '', rest = ''] =
      /^(?:\/v(\d+))?\/(dm|club)\/([^/]+)\/(writs|search)\/(.*)$/.exec(path) ?? [];
    const found = kind === '' ? undefined : await chatOf(kind, whom, ship);
    if (!found) return undefined;
    const [verb = '', ...parts] = rest.split('/');
    if (room === 'search') return search(found, verb, parts);
    const isOld = Number(version ?? 0) < 3;
    if (verb !== 'writ') return mapShown(await writs(found, verb, parts), isOld ? olderPage : undefined);
    return mapShown(await writ(found, parts), isOld ? olderWrit : undefined);
  };
};

const mapShown = <Shown>(shown: Shown | undefined, map: ((shown: Shown) => Json) | undefined): Json | undefined =>
  shown === undefined || !map ? shown : map(shown);

const LARGEST_SEQ = 2 ** 31 - 1;

/** Verbs that begin with a moment. */
const CURSORS = { older: true, newer: true, around: true };

const askOf = (verb: string, cursor: string, [first, second]: readonly string[]): MessagePageAsk | undefined => {
  const limit = Number(digits(first));
  switch (verb) {
    case 'newest':
      return { kind: 'older', limit };
    case 'older':
      return { kind: 'older', than: cursor, limit };
    case 'newer':
      return { kind: 'newer', than: cursor, limit };
    case 'around':
      return { kind: 'around', time: cursor, limit };
    case 'range':
      return {
        kind: 'range',
        first: Math.min(limit, LARGEST_SEQ),
        last: Math.min(Number(digits(second)), LARGEST_SEQ),
      };
    default:
      return undefined;
  }
};

const matcherOf = (kind: string, what: string): Search['matches'] | undefined => {
  if (kind === 'text') return matchText(what);
  const ship = kind === 'mention' ? normalizeShip(what) : null;
  return ship === null ? undefined : matchMention(ship);
};

const digits = (text = ''): string => String(parseId(text) ?? 0);

const pageOf = ({ lastSeq }: Chat, messages: readonly PagedMessage[]) => {
  const [first, last] = [messages[0], messages.at(-1)];
  return {
    writs: Object.fromEntries(messages.map((message) => [withDots(message.time), airlockWrit(message)])),
    newer: last && last.seq < lastSeq ? last.time : null,
    older: first && first.seq > 1 ? first.time : null,
    newest: lastSeq,
    total: lastSeq,
  };
};
