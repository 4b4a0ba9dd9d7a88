// Channels and who has joined them, in the database.
import type { Queryable, Transaction } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import type { ChannelDiff } from '../changes/channel-change.ts';
import { recordChanges } from '../changes/record-changes.ts';

/** What is everybody's of a channel, apart from its posts. Who may read it is kept by its group. */
export type ChannelDoc = {
  readonly view: 'list' | 'grid';
  readonly sort: 'time' | 'alpha' | 'arranged';
  /** Ids in digits; null: they have no order of their own. */
  readonly order: readonly string[] | null;
  readonly writers: readonly string[];
  /** How clients show it, in a text of theirs. */
  readonly meta?: string | null;
};

export type StoredChannel = {
  readonly nest: string;
  /** The group that it belongs to. */
  readonly flag: string;
  readonly version: number;
  /** Posts that are not deleted. */
  readonly posts: number;
  /** The number of its newest post; 0: it has none. */
  readonly newestSeq: number;
  readonly doc: ChannelDoc;
};

export const NEW_CHANNEL: ChannelDoc = { view: 'list', sort: 'time', order: null, writers: [] };

const FIELDS = 'nest, flag, version, posts, newest_seq as "newestSeq", doc';

const findChannel = statement<StoredChannel>('channels.find', `select ${FIELDS} from channels where nest = $1`);
const lockChannel = statement<StoredChannel>(
  'channels.lock',
  `select ${FIELDS} from channels where nest = $1 for update`,
);
const insertChannel = statement<{ nest: string }>(
  'channels.insert',
  'insert into channels (nest, flag, doc) values ($1, $2, $3) on conflict do nothing returning nest',
);
const updateChannel = statement(
  'channels.update',
  'update channels set version = version + 1, doc = $2 where nest = $1',
);
const channelsOfGroup = statement<StoredChannel>(
  'channels.of-group',
  `select ${FIELDS} from channels where flag = $1 order by nest`,
);

const flagsOfChannels = statement<{ nest: string; flag: string }>(
  'channels.flags-of',
  'select nest, flag from channels where nest = any($1::text[])',
);

export const readChannel = async (from: Queryable, nest: string): Promise<StoredChannel | undefined> =>
  (await from.query(findChannel, [nest]))[0];

/** As `readChannel`; others who want to change it wait until the transaction ends. */
export const readChannelToChange = async (tx: Transaction, nest: string): Promise<StoredChannel | undefined> =>
  (await tx.query(lockChannel, [nest]))[0];

/** Nest → the group that it belongs to. */
export const readFlagsOfChannels = async (from: Queryable, nests: readonly string[]): Promise<Map<string, string>> => {
  const rows = nests.length === 0 ? [] : await from.query(flagsOfChannels, [nests]);
  return new Map(rows.map(({ nest, flag }) => [nest, flag]));
};

export const readChannelsOf = (from: Queryable, flag: string): Promise<StoredChannel[]> =>
  from.query(channelsOfGroup, [flag]);

/** Answers whether there was none of that name. */
export const storeNewChannel = async (
  tx: Transaction,
  channel: Pick<StoredChannel, 'nest' | 'flag' | 'doc'>,
): Promise<boolean> =>
  (await tx.query(insertChannel, [channel.nest, channel.flag, JSON.stringify(channel.doc)])).length > 0;

/** @param change what is new in `doc`. */
export const storeChannel = async (
  tx: Transaction,
  { nest, flag }: Pick<StoredChannel, 'nest' | 'flag'>,
  doc: ChannelDoc,
  change: ChannelDiff,
): Promise<void> => {
  await tx.query(updateChannel, [nest, JSON.stringify(doc)]);
  await recordChanges(tx, [{ kind: 'channel', nest, flag, change }]);
};
