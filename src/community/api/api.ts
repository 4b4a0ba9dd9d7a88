// The community over HTTP: ships for who runs the server; acting and reading as one of them, with
// what that ship may do and see.
import { readPage } from '../../auth/api/pages.ts';
import type { Database } from '../../database/database.ts';
import { ApiError } from '../../http/api-error.ts';
import { type ApiService, implementApi } from '../../http/api-method.ts';
import type { ActResult } from '../acting.ts';
import { readFeed } from '../activity/feed.ts';
import { readSummary } from '../activity/summary.ts';
import { readHiddenPosts } from '../channels/membership-store.ts';
import { chat } from '../chat/chat.ts';
import type { Chat } from '../chat/chat-store.ts';
import { LONGEST_BOOK_PAGE, readBook, readContact, readProfile, type SeenContact } from '../contacts/contact-store.ts';
import { decoder } from '../schema/decode.ts';
import { parseId, withDots } from '../schema/id.ts';
import { normalizeShip } from '../schema/ship.ts';
import { type Ships, type ShipWithCode, whyNoShip } from '../ships/ships.ts';
import { Action } from '../types/effect.ts';

import { COMMUNITY_API } from './declaration.ts';
import { createPlaceReads } from './place-reads.ts';

/** What becomes of an action: it is done, the rules refuse it, or a hook denies it. */
export type ActAs = (
  action: Action,
  as: { readonly actor: string },
) => Promise<ActResult | { readonly kind: 'denied'; readonly reason: string }>;

export type CommunityApiSettings = {
  readonly database: Database;
  readonly now: () => number;
  readonly ships: Ships;
  readonly act: ActAs;
};

const decodeAction = decoder(Action);
const DEFAULT_LIMIT = 20;

type Params = Readonly<Record<string, string>>;

export const createCommunityApi = ({ database, now, ships, act }: CommunityApiSettings): ApiService => {
  /** The ship of the path, which must be one of this server. */
  const knownShip = async ({ ship = '' }: Params): Promise<string> => {
    if (!(await ships.isKnown(database, checkedShip(ship)))) throw notFound(whyNoShip(ship));
    return ship;
  };
  const places = createPlaceReads(database);
  const chatOf = async (params: Params) => {
    const owner = await knownShip(params);
    const { whom = '' } = params;
    const found = await chat.readChat(database, owner, whom);
    if (!found) throw notFound(`${owner} has no conversation with ${whom}.`);
    return found;
  };
  const messageIn = async (params: Params) => {
    const place = await chatOf(params);
    const message = await chat.readMessage(database, place, messageIdOf(params));
    if (!message) throw notFound(`There is no message ${params.messageId} with ${params.whom}.`);
    return { place, message };
  };

  return implementApi(COMMUNITY_API, {
    listShips: async ({ query }) => {
      const { page, ...more } = await readPage(
        query,
        ({ ship }: ShipWithCode) => ship,
        (after, limit) => ships.list({ after, limit }),
      );
      return { body: { ships: page, ...more } };
    },
    addShip: async ({ params: { ship = '' } }) => {
      const added = await ships.add(checkedShip(ship));
      if (!added) throw new ApiError('RequestConflict', `There is a ship ${ship} already.`);
      return { body: added };
    },
    resetCode: async ({ params: { ship = '' } }) => {
      const reset = await ships.resetCode(checkedShip(ship));
      if (!reset) throw notFound(whyNoShip(ship));
      return { body: reset };
    },
    act: async ({ params, payload }) => {
      const actor = await knownShip(params);
      const action = decodeAction(payload);
      if (!action.ok) {
        throw new ApiError(
          'InputValidationError',
          `The action does not fit: ${action.pointer || '/'} ${action.reason}`,
        );
      }
      const result = await act(action.value, { actor });
      const { id } = doneOrThrow(result);
      return { body: { ...(id !== undefined && { id }), ...(action.ignored && { ignored: action.ignored }) } };
    },
    answerInvitation: async ({ params, payload }) => {
      const actor = await knownShip(params);
      const answer = { ship: params.whom ?? '', ok: payload.ok };
      doneOrThrow(await database.transaction((tx) => chat.answerDm(tx, answer, { actor, now: now() })));
      return { noContent: true };
    },
    blockShip: async ({ params }) => {
      const owner = await knownShip(params);
      const other = await knownShip({ ship: params.other ?? '' });
      await database.transaction((tx) => chat.block(tx, owner, other));
      return { noContent: true };
    },
    unblockShip: async ({ params }) => {
      const owner = await knownShip(params);
      await database.transaction((tx) => chat.unblock(tx, owner, params.other ?? ''));
      return { noContent: true };
    },
    listBlocked: async ({ params }) => ({ body: { ships: await chat.readBlocked(database, await knownShip(params)) } }),

    listGroups: async ({ params, query }) => ({ body: await places.groups(await knownShip(params), query) }),
    group: async ({ params }) => ({ body: await places.group(await knownShip(params), params.flag ?? '') }),
    listChannels: async ({ params }) => ({
      body: { channels: await places.channels(await knownShip(params), params.flag ?? '') },
    }),
    channel: async ({ params }) => ({
      body: { channel: await places.channel(await knownShip(params), params.nest ?? '') },
    }),
    listPosts: async ({ params, query }) => ({
      body: { posts: await places.posts(await knownShip(params), params.nest ?? '', pageOf(query)) },
    }),
    post: async ({ params }) => ({
      body: { post: await places.post(await knownShip(params), params.nest ?? '', idOf('postId', params.postId)) },
    }),

    listChats: async ({ params, query }) => {
      const owner = await knownShip(params);
      const { page, ...more } = await readPage(
        query,
        ({ whom }: Chat) => whom,
        (after, limit) => chat.readChats(database, owner, { after, limit }),
      );
      return { body: { chats: page.map(shownChat), ...more } };
    },
    chat: async ({ params }) => ({ body: { chat: shownChat(await chatOf(params)) } }),
    listMessages: async ({ params, query }) => ({
      body: { messages: await chat.readMessages(database, await chatOf(params), pageOf(query)) },
    }),
    message: async ({ params }) => ({ body: { message: (await messageIn(params)).message } }),
    listMessageReplies: async ({ params, query }) => {
      const { place, message } = await messageIn(params);
      return { body: { replies: await chat.readReplies(database, place, message.id, pageOf(query)) } };
    },

    profile: async ({ params }) => ({ body: { profile: await readProfile(database, await knownShip(params)) } }),
    listContacts: async ({ params, query }) => {
      const owner = await knownShip(params);
      const { page, ...more } = await readPage(
        // One more is read than is answered.
        { ...query, limit: String(Math.min(Number(query.limit ?? LONGEST_BOOK_PAGE), LONGEST_BOOK_PAGE - 1)) },
        ({ kip }: SeenContact) => kip,
        (after, limit) => readBook(database, owner, { after, limit, pagesOnly: false }),
      );
      return { body: { contacts: page, ...more } };
    },
    contact: async ({ params }) => {
      const contact = await readContact(database, await knownShip(params), params.kip ?? '');
      if (!contact) throw notFound(`${params.ship} does not know ${params.kip}.`);
      return { body: { contact } };
    },

    activity: async ({ params }) => ({
      body: { sources: Object.fromEntries(await readSummary(database, await knownShip(params))) },
    }),
    listActivity: async ({ params, query }) => {
      const sort = query.only as 'mentions' | 'replies' | undefined;
      const page = { ...pageOf(query), sort };
      return { body: { events: await readFeed(database, await knownShip(params), page) } };
    },
    listHiddenPosts: async ({ params }) => ({
      body: { posts: await readHiddenPosts(database, await knownShip(params)) },
    }),
  });
};

const notFound = (message: string) => new ApiError('ResourceNotFound', message);

/** A signature covers the path as it was written: one ship has one spelling there. */
const checkedShip = (ship: string): string => {
  if (normalizeShip(ship) === ship) return ship;
  throw new ApiError('InputError', `${ship} is not the name of a ship; such a name is ~sampel-palnet.`);
};

const doneOrThrow = (result: Awaited<ReturnType<ActAs>>) => {
  if (result.kind === 'done') return result;
  throw new ApiError(result.kind === 'denied' ? 'ActionDenied' : 'ActionRefused', result.reason);
};

const idOf = (name: string, text = ''): string => {
  const id = parseId(text);
  if (id === null) throw new ApiError('InputError', `${name} is no id: ids are decimal digits, with or without dots.`);
  return String(id);
};

const messageIdOf = ({ messageId = '' }: Params): string => {
  const slash = messageId.indexOf('/');
  return `${messageId.slice(0, slash)}/${withDots(idOf('messageId', messageId.slice(slash + 1)))}`;
};

const pageOf = ({ before, limit }: Params) => ({
  before: before === undefined ? undefined : idOf('before', before),
  limit: limit === undefined ? DEFAULT_LIMIT : Number(limit),
});

const shownChat = ({ owner: _, lastSeq: __, ...rest }: Chat) => rest;
