// What a document says that can be looked up: links, npm scripts, code blocks.

/** Headings as anchors, in the way in which Git hosts make them. */
export const anchorsOf = (markdown: string): string[] =>
  [...withoutCode(markdown).matchAll(/^#{1,6}\s+(.*)$/gm)].map(([, heading = '']) =>
    heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Targets of `[text](target)` and of `[name]: target`, without titles. */
export const linksOf = (markdown: string): string[] => {
  const text = withoutCode(markdown);
  const inline = [...text.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const reference = [...text.matchAll(/^\s*\[[^\]]+\]:\s*(\S+)/gm)];
  return [...inline, ...reference].map(([, target = '']) => target);
};

/** `npm start`, `npm test` and `npm run x`, wherever they stand. */
export const npmScriptsOf = (markdown: string): string[] =>
  [...markdown.matchAll(/\bnpm (?:run (?:-\S+ )*([\w:-]+)|(start|test)\b)/g)].map(
    ([, run, short]) => run ?? short ?? '',
  );

export type CodeBlock = {
  readonly language: string;
  readonly text: string;
  /** The file as which the reader is told to save it. */
  readonly file: string | undefined;
};

export const codeBlocksOf = (markdown: string): CodeBlock[] => {
  let end = 0;
  return [...markdown.matchAll(/^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm)].map((match) => {
    const [whole, language = '', text = ''] = match;
    const before = markdown.slice(end, match.index);
    end = match.index + whole.length;
    return { language, text, file: [...before.matchAll(/\bsave\s+this\s+as\s+`([\w.-]+)`/gi)].at(-1)?.[1] };
  });
};

const withoutCode = (markdown: string): string =>
  markdown.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ''));
