// A document in Markdown as HTML: with anchors as GitHub makes them, and links that lead to the
// other documents that are served.
import { posix } from 'node:path';
import { Marked, type Tokens } from 'marked';

export type RenderSettings = {
  /** The document, as a path in the project: `docs/tour.md`. */
  readonly file: string;
  /** Path in the project → path in URLs. */
  readonly documents: ReadonlyMap<string, string>;
};

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export const renderDocument = (markdown: string, { file, documents }: RenderSettings): string => {
  const anchorOf = createAnchors();
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${escapeHtml(anchorOf(text))}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        const target = targetOf(href, file, documents);
        return target === undefined ? text : `<a href="${escapeHtml(target)}">${text}</a>`;
      },
      html: ({ text }: Tokens.HTML | Tokens.Tag) => escapeHtml(text),
    },
  });
  return marked.parse(markdown, { async: false });
};

/** undefined for what is not served, as files of the program. */
const targetOf = (href: string, file: string, documents: RenderSettings['documents']): string | undefined => {
  if (/^(https?:|mailto:|#)/.test(href)) return href;
  const [path = '', anchor] = href.split('#');
  const url = documents.get(posix.join(posix.dirname(file), path));
  return url && (anchor === undefined ? url : `${url}#${anchor}`);
};

/** `Who calls?` → `who-calls`, and `who-calls-1` when it comes again. */
const createAnchors = (): ((heading: string) => string) => {
  const seen = new Map<string, number>();
  return (heading) => {
    const plain = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    const times = seen.get(plain) ?? 0;
    seen.set(plain, times + 1);
    return times === 0 ? plain : `${plain}-${times}`;
  };
};
