// What the tests of the house's rules need to know of a TypeScript file, found without a compiler:
// what is code and what is not, and what it imports.

export type Import = {
  /** As written; undefined when it is computed (`import(name)`). */
  readonly specifier: string | undefined;
  /** `import type`, `export type … from`: gone when the program runs. */
  readonly isType: boolean;
  readonly line: number;
};

const FROM = /\b(?:import|export)\s+(type\s+(?!from\b|,))?(?:[\w$*{}\s,]*?[\s}*])?from\s*(?=["'])/g;
const SIDE_EFFECT = /\bimport\s*(?=["'])/g;
const DYNAMIC = /(?<!\.\s*)\bimport\s*\(\s*/g;

export const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/**
 * All imports of a file: static, over several lines, for types, for their effect, re-exports, and
 * dynamic ones.
 */
export const importsOf = (text: string): Import[] => {
  const code = onlyCode(text);
  const found: Import[] = [];
  const add = (match: RegExpExecArray, isType: boolean) => {
    const line = lineAt(text, match.index);
    found.push({ specifier: stringAt(text, code, match.index + match[0].length), isType, line });
  };
  for (const match of code.matchAll(FROM)) add(match, match[1] !== undefined);
  for (const match of code.matchAll(SIDE_EFFECT)) add(match, false);
  for (const match of code.matchAll(DYNAMIC)) add(match, false);
  return found.sort((a, b) => a.line - b.line);
};

/**
 * The text of the string that begins at `start`. In `code` it is blank, so its end is the next
 * quote there.
 */
const stringAt = (text: string, code: string, start: number): string | undefined => {
  const quote = code[start];
  if (quote !== "'" && quote !== '"' && quote !== '`') return undefined;
  const end = code.indexOf(quote, start + 1);
  const rest = code.slice(end + 1).trimStart();
  const isWhole = !code.slice(start + 1, end).includes('${') && !rest.startsWith('+');
  return isWhole ? text.slice(start + 1, end) : undefined;
};

const KEYWORDS_BEFORE_A_VALUE = /(?:^|[^\w$.])(?:return|typeof|case|in|of|do|else|void|delete|throw|await|yield)$/;

/**
 * The text with comments, regular expressions and the contents of strings blanked; lines and
 * columns stay. What stands in the `${}` of a template is code.
 */
export const onlyCode = (text: string): string => scan(text).code;

/** The text of each comment, with its marks, and the line on which it begins. */
export const commentsOf = (text: string): { readonly text: string; readonly line: number }[] =>
  scan(text).comments.map(([from, to]) => ({ text: text.slice(from, to), line: lineAt(text, from) }));

type Scan = { readonly code: string; readonly comments: readonly (readonly [from: number, to: number])[] };

const scan = (text: string): Scan => {
  const code = text.split('');
  const comments: [number, number][] = [];
  const blank = (from: number, to: number) => {
    for (let i = from; i < to; i += 1) if (code[i] !== '\n') code[i] = ' ';
  };
  /** For each open brace: whether it is the `${` of a template. */
  const braces: boolean[] = [];
  let last = ''; // the code before, to tell a division from a regular expression
  let i = 0;
  const skipTemplate = () => {
    const from = i;
    while (i < text.length && text[i] !== '`' && !text.startsWith('${', i)) i += text[i] === '\\' ? 2 : 1;
    blank(from, Math.min(i, text.length));
    if (text.startsWith('${', i)) {
      braces.push(true);
      i += 2;
      last = '{';
    } else {
      i += 1;
      last = '`';
    }
  };
  while (i < text.length) {
    const char = text[i] as string;
    if (text.startsWith('//', i) || (i === 0 && text.startsWith('#!'))) {
      const end = indexOr(text.indexOf('\n', i), text.length);
      comments.push([i, end]);
      blank(i, end);
      i = end;
    } else if (text.startsWith('/*', i)) {
      const end = indexOr(text.indexOf('*/', i + 2) + 1, text.length - 1) + 1;
      comments.push([i, end]);
      blank(i, end);
      i = end;
    } else if (char === "'" || char === '"') {
      const from = i + 1;
      for (i = from; i < text.length && text[i] !== char && text[i] !== '\n'; ) i += text[i] === '\\' ? 2 : 1;
      blank(from, i);
      i += 1;
      last = char;
    } else if (char === '`') {
      i += 1;
      skipTemplate();
    } else if (char === '/' && (/(^|[(,=:[!&|?{};+\-*%<>~^])$/.test(last) || KEYWORDS_BEFORE_A_VALUE.test(last))) {
      const from = i;
      let isInClass = false;
      for (i += 1; i < text.length && text[i] !== '\n' && (isInClass || text[i] !== '/'); i += 1) {
        if (text[i] === '\\') i += 1;
        else if (text[i] === '[') isInClass = true;
        else if (text[i] === ']') isInClass = false;
      }
      i += 1;
      blank(from, i);
      last = ')';
    } else {
      i += 1;
      if (char === '{') braces.push(false);
      if (char === '}' && braces.pop()) {
        skipTemplate();
        continue;
      }
      if (!/\s/.test(char))
        last = /[\w$]/.test(char) ? (last + (/\s/.test(text[i - 2] ?? '') ? ' ' : '') + char).slice(-12) : char;
    }
  }
  return { code: code.join(''), comments };
};

const indexOr = (index: number, otherwise: number): number => (index <= 0 ? otherwise : index);
