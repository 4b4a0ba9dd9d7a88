// The community of the demonstration, and what is done and seen there: each line that is told was
// answered by a service of the server.
import { readFile } from 'node:fs/promises';
import { ApiCallError } from '#client';
import type { Clock } from '../../core/clock.ts';
import { toIso } from '../../core/clock.ts';
import { type Connection, connectWith } from '../calls/api-connection.ts';
import { type Output, printable } from '../cli/output.ts';
import { reasonOf } from '../cli/reason-of.ts';

export const [HOST, NEC, FES, BUD] = ['~zod', '~nec', '~fes', '~bud'] as const;
export const GROUP = `${HOST}/garden`;
export const nestOf = (channel: string): string => `chat/${HOST}/${channel}`;

export type StageSettings = {
  /** Of the client that may do everything. */
  readonly connection: Connection;
  readonly output: Output;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** What is said in a channel or a conversation. */
export type Said = { readonly id: string; readonly author: string; readonly text: string; readonly reactions: string };

export type Stage = {
  readonly connection: Connection;
  readonly heading: (text: string) => void;
  readonly tell: (text: string) => void;
  /** An action of a ship, with its own credentials; answers the id of what it made. */
  readonly act: (ship: string, action: object) => Promise<string>;
  /** Writes into a channel; tells what was written or why it was denied. */
  readonly say: (ship: string, channel: string, text: string) => Promise<string>;
  readonly react: (ship: string, channel: string, id: string, emoji: string) => Promise<void>;
  /** Waits until another ship reads a post there that is wanted, and tells it. */
  readonly hears: (channel: string, isWanted: (post: Said) => boolean) => Promise<Said>;
  /** What a ship was written by the host. */
  readonly messagesOf: (ship: string) => Promise<readonly string[]>;
  readonly groupAs: (ship: string) => Promise<Group>;
  /** Asks again and again until there is an answer. */
  readonly until: <T>(what: string, look: () => Promise<T | undefined>) => Promise<T>;
  /** Adds an example; answers its id. */
  readonly add: (script: string) => Promise<string>;
};

type Group = { readonly fleet: Readonly<Record<string, { readonly sects: readonly string[] }>> };
type Post = {
  readonly seal: { readonly id: string; readonly reacts: Readonly<Record<string, { readonly react: string | null }>> };
  readonly essay: { readonly author: string; readonly content: Content };
};
type Content = readonly { readonly inline?: readonly unknown[] }[];

const EXAMPLES = new URL('../../../examples/scripts/', import.meta.url);
const EVERY_MS = 50;
const WITHIN_MS = 20_000;
const TOKENS_LAST_MS = 24 * 60 * 60 * 1000;

export const createStage = async ({ connection, output, clock, signal }: StageSettings): Promise<Stage> => {
  const { auth, community, scripts, rootUrl } = connection;
  const ships = new Map<string, Connection>();
  for (const ship of [HOST, NEC, FES, BUD]) {
    if (ship !== HOST) await community.addShip(ship);
    const scopes = [`community:act:${ship}`, `community:read:${ship}`];
    const expires = toIso(clock.now() + TOKENS_LAST_MS);
    const clientId = `demo/${ship.slice(1)}`;
    const { accessToken } = await auth.createClient(clientId, { expires, description: `The ship ${ship}`, scopes });
    ships.set(ship, connectWith({ rootUrl, credentials: { clientId, accessToken }, source: 'the demonstration' }));
  }
  const as = (ship: string) => (ships.get(ship) as Connection).community;
  const tell: Stage['tell'] = (text) => output.line(`  ${printable(text)}`);
  const act: Stage['act'] = async (ship, action) => (await as(ship).act(ship, action)).id ?? '';
  const until: Stage['until'] = async (what, look) => {
    for (const giveUpAt = clock.monotonic() + WITHIN_MS; clock.monotonic() < giveUpAt && !signal.aborted; ) {
      const found = await look();
      if (found !== undefined) return found;
      await clock.sleep(EVERY_MS, signal);
    }
    throw new Error(`this did not happen within ${WITHIN_MS / 1000} s: ${what}`);
  };
  const toldOf = ({ author, text, reactions }: Said, channel: string) =>
    `${author} in ${channel}: ${text}${reactions === '' ? '' : `   (${reactions})`}`;

  return {
    ...{ connection, tell, act, until },
    heading: (text) => output.line(`\n${output.paint('bold', text)}`),
    say: async (ship, channel, text) => {
      tell(`${ship} in ${channel}: ${text}`);
      const content = [{ inline: [text] }];
      const add = { content, author: ship, sent: clock.now(), 'kind-data': { chat: null } };
      try {
        return await act(ship, inChannel(channel, { add }));
      } catch (error) {
        if (!(error instanceof ApiCallError && error.code === 'ActionDenied')) throw error;
        tell(output.paint('red', `  denied: ${reasonOf(error)}`));
        return '';
      }
    },
    react: async (ship, channel, id, emoji) => {
      await act(ship, inChannel(channel, { 'add-react': { id, ship, react: emoji } }));
      tell(`${ship} reacts with ${emoji}`);
    },
    hears: async (channel, isWanted) => {
      const found = await until(`a post in ${channel}`, async () => {
        const { posts } = await as(FES).listPosts(FES, nestOf(channel), { limit: 50 });
        return (posts as unknown as readonly Post[]).map(saidIn).find(isWanted);
      });
      tell(toldOf(found, channel));
      return found;
    },
    messagesOf: async (ship) => {
      const { chats } = await as(ship).listChats(ship);
      if (chats.length === 0) return []; // the first message begins a conversation
      const { messages } = await as(ship).listMessages(ship, HOST);
      return (messages as unknown as readonly { memo: { content: Content } }[]).map(({ memo }) => textOf(memo.content));
    },
    groupAs: async (ship) => (await as(ship).group(ship, GROUP)).group as Group,
    add: async (script) => {
      const src = await readFile(new URL(`${script}.js`, EXAMPLES), 'utf8');
      const { set } = await scripts.act({ add: { name: script, src } });
      if (!set || set.error !== null) throw new Error(`${script} does not compile: ${set?.error}`);
      return set.id;
    },
  };
};

export const inChannel = (channel: string, post: object) => ({
  channels: { channel: { nest: nestOf(channel), action: { post } } },
});

const saidIn = ({ seal, essay }: Post): Said => ({
  ...{ id: seal.id, author: essay.author, text: textOf(essay.content) },
  reactions: Object.entries(seal.reacts)
    .flatMap(([ship, { react }]) => (react === null ? [] : [`${react} by ${ship}`]))
    .join(', '),
});

/** The plain text of a story. */
const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textOf).join(' ').trim();
  return typeof value === 'object' && value !== null ? Object.values(value).map(textOf).join('') : '';
};
