// Which agent and path a URL asks for: `/~/scry/channels/v5/chat/~zod/lounge/posts/post/170.1.json`

export type ScryPath = { readonly agent: string; readonly path: string; readonly extension: string | undefined };

/** Stands after the last dot of the last segment; ids have dots of their own. */
const EXTENSION = /^(.*)\.(json|noun|mime)$/s;

/**
 * As it is written: empty segments stay, percent escapes are decoded once.
 *
 * @param url with its query, if it has one. Its percent escapes are good.
 */
export const readScryPath = (url: string): ScryPath => {
  const [, , , agent = '', ...segments] = (url.split('?')[0] ?? '').split('/').map(decodeURIComponent);
  const whole = segments.map((segment) => `/${segment}`).join('');
  const [, path = whole, extension] = EXTENSION.exec(whole) ?? [];
  return { agent, path, extension };
};
