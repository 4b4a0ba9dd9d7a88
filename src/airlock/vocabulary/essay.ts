// What somebody wrote, as clients have it and as the community keeps it. What the community's form
// has no word for stands beside it in fields of the same name, and only where it says more.
import type { Essay, Memo } from '../../community/types/posts.ts';
import type { KindData, Story } from '../../community/types/story.ts';
import { isObject, type JsonObject, objectOf, omit, textOf } from './json.ts';

/** A bot writes in the name of its ship. */
export type AirlockAuthor =
  | string
  | { readonly ship: string; readonly nickname: string | null; readonly avatar: string | null };

export type AirlockMeta = {
  readonly title: string;
  readonly description: string;
  readonly image: string;
  readonly cover: string;
};

export type AirlockMemo = {
  readonly content: Story;
  readonly author: AirlockAuthor;
  readonly sent: number;
  readonly blob: string | null;
};

export type AirlockEssay = AirlockMemo & {
  /** `/chat`, `/chat/notice`, `/heap`, `/diary`, or longer. */
  readonly kind: string;
  readonly meta: AirlockMeta | null;
};

const NO_META: AirlockMeta = { title: '', description: '', image: '', cover: '' };
const MEMO_FIELDS = ['author', 'blob', 'bot'];
const ESSAY_FIELDS = [...MEMO_FIELDS, 'kind', 'meta', 'kind-data'];

export const airlockEssay = (essay: Essay): AirlockEssay => {
  const kept: JsonObject = essay;
  return {
    ...(omit(kept, ESSAY_FIELDS) as Essay),
    ...airlockFields(essay),
    kind: airlockKind(essay['kind-data'], kept.kind),
    meta: airlockMeta(essay['kind-data'], kept.meta),
  };
};

/** @param memo with other fields than these, which stay: those of a message, say. */
export const airlockMemo = <M extends Memo>(memo: M): Omit<M, 'author'> & AirlockMemo => ({
  ...(omit(memo, MEMO_FIELDS) as Omit<M, 'author'>),
  ...airlockFields(memo),
});

/** Not checked: what comes out is to be decoded. An essay in the community's form stays one. */
export const communityEssay = (essay: unknown): unknown => {
  if (!isObject(essay) || (essay.kind === undefined && essay['kind-data'] !== undefined)) return essay;
  const kindData = communityKind(essay);
  const { kind, meta = null } = essay;
  return {
    ...omit(essay, ESSAY_FIELDS),
    ...communityFields(essay),
    ...(kindData !== undefined && { 'kind-data': kindData }),
    ...(kindData !== undefined && airlockKind(kindData, undefined) !== kind && { kind }),
    ...(kindData !== undefined && !isEqual(airlockMeta(kindData, undefined), meta) && { meta }),
  };
};

/** Not checked: what comes out is to be decoded. */
export const communityMemo = (memo: unknown): unknown =>
  isObject(memo) ? { ...omit(memo, MEMO_FIELDS), ...communityFields(memo) } : memo;

/** The ship of an author, who may be a bot. Not checked. */
export const shipOf = (author: unknown): unknown => (isObject(author) ? author.ship : author);

const communityFields = ({ author, blob }: JsonObject) => ({
  author: shipOf(author),
  ...(isObject(author) && { bot: { nickname: author.nickname, avatar: author.avatar } }),
  ...(blob !== undefined && blob !== null && { blob }),
});

const airlockFields = (memo: Memo & { readonly bot?: unknown; readonly blob?: unknown }) => ({
  author: isObject(memo.bot)
    ? { ship: memo.author, nickname: textOrNull(memo.bot.nickname), avatar: textOrNull(memo.bot.avatar) }
    : memo.author,
  blob: textOrNull(memo.blob),
});

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** undefined: the community has no such kind. */
const communityKind = ({ kind, meta }: JsonObject): JsonObject | undefined => {
  const path = textOf(kind);
  const of = isObject(meta) ? meta : undefined;
  if (path === '/chat/notice') return { chat: { notice: null } };
  if (/^\/chat(\/|$)/.test(path)) return { chat: null };
  if (/^\/diary(\/|$)/.test(path)) return { diary: { title: of?.title ?? '', image: of?.image ?? '' } };
  if (/^\/heap(\/|$)/.test(path)) return { heap: of?.title ?? null };
  return undefined;
};

const airlockKind = (kindData: KindData | JsonObject, kept: unknown): string => {
  const [name = 'chat'] = Object.keys(kindData);
  const own = 'chat' in kindData && kindData.chat !== null ? '/chat/notice' : `/${name}`;
  return typeof kept === 'string' && kept.startsWith(`${own}/`) ? kept : own;
};

const airlockMeta = (kindData: KindData | JsonObject, kept: unknown): AirlockMeta | null => {
  const others = isObject(kept) ? { ...kept, ...filled(kept) } : undefined;
  if ('diary' in kindData) {
    const { title, image } = filled(objectOf(kindData.diary));
    return kept === null && title === '' && image === '' ? null : { ...NO_META, ...others, title, image };
  }
  if ('heap' in kindData) {
    return kindData.heap === null ? null : { ...NO_META, ...others, title: textOf(kindData.heap) };
  }
  return others ?? null;
};

/** Clients need all four texts. */
const filled = ({ title, description, image, cover }: JsonObject): AirlockMeta => ({
  title: textOf(title),
  description: textOf(description),
  image: textOf(image),
  cover: textOf(cover),
});

const isEqual = (one: AirlockMeta | null, other: unknown): boolean => {
  if (one === null || !isObject(other)) return one === other;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => (one as JsonObject)[key] === other[key]);
};
