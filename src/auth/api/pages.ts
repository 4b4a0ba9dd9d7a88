// Pages of things that are listed in the order of their ids. A page continues after an id, not at a
// number: what comes or goes meanwhile moves nothing.
import { ApiError } from '../../http/api-error.ts';

export const LONGEST_PAGE = 1_000;

type Query = Readonly<Record<string, string>>;
type Page<Item> = { readonly page: readonly Item[]; readonly continuationToken?: string };

/**
 * @param find lists at most `limit` items after the id `after`.
 * @param fits the first item that does not fit begins the next page.
 */
export const readPage = async <Item>(
  { limit: wanted = `${LONGEST_PAGE}`, continuationToken }: Query,
  idOf: (item: Item) => string,
  find: (after: string, limit: number) => Promise<readonly Item[]>,
  fits: (item: Item) => boolean = () => true,
): Promise<Page<Item>> => {
  const limit = Math.min(Number(wanted), LONGEST_PAGE);
  const found = await find(readToken(continuationToken), limit + 1);
  const end = found.findIndex((item, index) => index >= limit || !fits(item));
  const page = end === -1 ? found : found.slice(0, end);
  const last = page.at(-1);
  return end !== -1 && last ? { page, continuationToken: tokenAfter(idOf(last)) } : { page };
};

const tokenAfter = (id: string): string => Buffer.from(id, 'latin1').toString('base64url');

const readToken = (token = ''): string => {
  const id = Buffer.from(token, 'base64url').toString('latin1');
  if (tokenAfter(id) === token && /^[\x20-\x7e]*$/.test(id)) return id;
  throw new ApiError('InputError', 'Invalid continuationToken');
};
