// What a run has read, noted while it runs, so that it can be repeated; and the same as a bowl.
import { hash } from 'node:crypto';
import type { VPost } from '../../community/types/posts.ts';
import { stateText } from '../host-answers.ts';
import type { Bowl, Lazily, Outcome, PostPages } from '../types.ts';

/**
 * Everything that a run depends on, beside its event, its seed and its source, which the ledger has
 * elsewhere.
 */
export type Replay = Pick<Bowl, 'our' | 'src' | 'now' | 'config' | 'hook'> & {
  readonly nest: string | null;
  readonly flag: string | null;
  /** What it did not read is absent. The state as JSON. */
  readonly stateJson?: string;
  /** Ship → roles. */
  readonly fleet?: Readonly<Record<string, readonly string[]>>;
  readonly posts?: { readonly length: number; readonly pages: readonly (readonly [start: number, VPost[]])[] };
  /** A hash of the state that it set. */
  readonly stateAfter: string;
};

export type Recording = {
  /** For the run, in place of the one that was given. */
  readonly bowl: Bowl;
  /** The Replay as JSON; null: it read more than is kept, and cannot be repeated. */
  readonly json: (outcome: Pick<Outcome, 'stateJson'>) => string | null;
};

/** Bytes of a Replay. */
const LARGEST_REPLAY = 64 * 1024;

/** Notes what a run reads of its bowl. It costs a run that reads nothing next to nothing. */
export const recordRun = (bowl: Bowl): Recording => {
  let readsState = false;
  let fleet: Replay['fleet'];
  let length: number | undefined;
  const pages: [number, VPost[]][] = [];
  let bytes = 0;

  const noteFleet = <T extends FleetOf>(given: T): T => {
    fleet ??= Object.fromEntries(Object.entries(given).map(([ship, { sects }]) => [ship, sects]));
    return given;
  };
  const noteCount = (count: number): number => {
    length = count;
    return count;
  };
  const notePage = (start: number, page: readonly VPost[]): readonly VPost[] => {
    if (bytes <= LARGEST_REPLAY) bytes += Buffer.byteLength(JSON.stringify(page));
    if (bytes <= LARGEST_REPLAY) pages.push([start, [...page]]);
    return page;
  };

  const { channel, group } = bowl;
  const noted: Bowl = {
    ...bowl,
    stateJson: () => {
      readsState = true;
      return stateText(bowl);
    },
    channel: channel && {
      nest: channel.nest,
      posts: async () => {
        const all = pagesOf(await given(channel.posts));
        return new NotedPages(
          () => noteCount(all.length),
          async (start, end, from) => {
            const posts = await all.page(start, end, from);
            return notePage(from === 'end' ? end - posts.length : start, posts);
          },
        );
      },
    },
    group:
      group &&
      new NotedGroup(group.flag, () => {
        const known: Lazily<FleetOf> = group.fleet;
        return typeof known === 'function' ? async () => noteFleet(await known()) : noteFleet(known);
      }),
  } as Bowl;

  return {
    bowl: noted,
    json: (outcome) => {
      if (bytes > LARGEST_REPLAY) return null;
      const { our, src, now, config, hook } = bowl;
      const replay: Replay = {
        ...{ our, src, now, config, hook, nest: channel?.nest ?? null, flag: group?.flag ?? null },
        ...(readsState && { stateJson: stateText(bowl) }),
        ...(fleet !== undefined && { fleet }),
        ...(length !== undefined && { posts: { length, pages } }),
        stateAfter: stateHash(outcome),
      };
      const json = JSON.stringify(replay);
      return Buffer.byteLength(json) > LARGEST_REPLAY ? null : json;
    },
  };
};

// Classes: what the getters of a literal hold would live until the next large garbage collection.

class NotedGroup {
  readonly flag: string;
  readonly #read: () => Lazily<FleetOf>;

  constructor(flag: string, read: () => Lazily<FleetOf>) {
    this.flag = flag;
    this.#read = read;
  }

  get fleet() {
    return this.#read();
  }
}

class NotedPages implements PostPages {
  readonly page: PostPages['page'];
  readonly #count: () => number;

  constructor(count: () => number, page: PostPages['page']) {
    this.page = page;
    this.#count = count;
  }

  get length() {
    return this.#count();
  }
}

type FleetOf = Readonly<Record<string, { readonly sects: readonly string[] }>>;

const given = async <T>(value: Lazily<T>): Promise<T> => (typeof value === 'function' ? (value as () => T)() : value);

const pagesOf = (posts: readonly VPost[] | PostPages): PostPages =>
  'page' in posts ? posts : { length: posts.length, page: (start, end) => posts.slice(start, end) };

export const stateHash = ({ stateJson }: Pick<Outcome, 'stateJson'>): string =>
  stateJson === undefined ? 'unset' : hash('sha256', stateJson, 'base64url');

/**
 * The surroundings of the run, once more. What it did not ask for then is not there, and asking for
 * it now is an error: then it is another run.
 */
export const bowlOfReplay = ({ our, src, now, config, hook, nest, flag, stateJson, fleet, posts }: Replay): Bowl => ({
  ...{ our, src, now, config, hook, state: null, ...(stateJson !== undefined && { stateJson }) },
  channel: nest === null ? null : { nest, posts: () => recordedPages(posts) },
  group:
    flag === null
      ? null
      : {
          flag,
          fleet: () =>
            Object.fromEntries(
              Object.entries(fleet ?? notRead('the members')).map(([ship, sects]) => [
                ship,
                { sects: [...sects], joined: 0 },
              ]),
            ),
        },
});

const recordedPages = (posts: Replay['posts']): PostPages => {
  const { length, pages } = posts ?? notRead('the messages');
  return {
    length,
    page: (start, end, from) => {
      const place = from === 'end' ? end - 1 : start;
      const found = pages
        .filter(([first, page]) => first <= place && place < first + page.length)
        .map(([first, page]) => page.slice(Math.max(0, start - first), end - first));
      return found.sort((left, right) => right.length - left.length)[0] ?? notRead(`messages ${start} to ${end}`);
    },
  };
};

const notRead = (what: string): never => {
  throw new Error(`the run that is repeated did not read ${what}`);
};
