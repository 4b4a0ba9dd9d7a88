// Answers what a script asks for: state, members, posts. Works on the host's thread, and only when
// asked.
import type { PostRange, Question } from './engine/worker-protocol.ts';
import type { Bowl, Lazily, PostPages } from './types.ts';

export type HostAnswers = {
  readonly answer: (question: Question, range: PostRange | undefined) => Promise<string>;
  /** The answers that need no waiting, for a script that is expected to ask. */
  readonly known: (questions: ReadonlySet<Question>) => Partial<Record<'state' | 'fleet', string>>;
};

/** `bowl.posts` and `bowl.group.fleet` are called at most once. */
export const createHostAnswers = (bowl: Bowl): HostAnswers => {
  let pages: Promise<PostPages> | undefined;
  const posts = (): Promise<PostPages> => {
    pages ??= postPages(bowl);
    return pages;
  };
  const answers: Readonly<Record<Question, (range: PostRange | undefined) => string | Promise<string>>> = {
    state: () => stateText(bowl),
    fleet: async () => fleetText(await given(bowl.group?.fleet ?? {})),
    postCount: async () => JSON.stringify((await posts()).length),
    posts: async (range) => {
      const { length, page } = await posts();
      const start = Math.max(0, range?.start ?? 0);
      const end = Math.min(range?.end ?? 0, length);
      const content = await page(start, end, range?.from ?? 'start');
      const isMissing = content.length === 0 && start < end;
      if (isMissing || content.length > end - start) {
        throw new Error(`page(${start}, ${end}) gave ${content.length} posts`);
      }
      return JSON.stringify(content);
    },
  };
  return {
    answer: async (question, range) => answers[question](range),
    // Only what is asked for is looked at: somebody may note what a run reads.
    known: (questions) => {
      const fleet = questions.has('fleet') ? (bowl.group?.fleet ?? {}) : () => ({});
      return {
        ...(questions.has('state') ? { state: stateText(bowl) } : {}),
        ...(typeof fleet !== 'function' ? { fleet: fleetText(fleet) } : {}),
      };
    },
  };
};

const given = async <T>(value: Lazily<T>): Promise<T> => (typeof value === 'function' ? (value as () => T)() : value);

export const stateText = ({ state, stateJson }: Bowl): string =>
  (typeof stateJson === 'function' ? stateJson() : stateJson) ?? JSON.stringify(state) ?? 'null';

/** Ships and their roles: that is all that scripts can see of a group. */
const fleetText = (fleet: Readonly<Record<string, { readonly sects: readonly string[] }>>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(fleet).map(([ship, { sects }]) => [ship, sects])));

const postPages = async (bowl: Bowl): Promise<PostPages> => {
  const posts = await given(bowl.channel?.posts ?? []);
  return 'page' in posts ? posts : { length: posts.length, page: (start, end) => posts.slice(start, end) };
};
