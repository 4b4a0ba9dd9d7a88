// Scripts that are kept as Hoon: the JavaScript is a text that hook-builder-js is applied to.
//
//   /+  hook-builder-js          or  /+  b=hook-builder-js
//   %-  hook-builder-js              (b 'module.exports = …')
//   '''
//   module.exports = …
//   '''
import { ScriptHookError } from './errors.ts';

/** How the first line of a .hoon file begins that is neither empty nor a comment. */
const HOON = /^(\/[-+=?~%$*] {2}\S|%[-+^*.~] {2}\S|[=^:|!~;.][-+=<>/|~:*^&?%$_;,'"`.!@] {2}\S|!:\s*$)/;
/** What is read of each takes long for a million empty ones. */
const MOST_LINES = 50_000;
const IMPORT = /^\/\+ {2}/;

/**
 * The JavaScript of a source: of a .hoon file its text, anything else as it is. Lines keep their
 * numbers. Throws HW_SCRIPT_HOON for Hoon without such a text, HW_SCRIPT_TOO_LARGE for very many
 * lines of it.
 */
export const unwrapHoon = (source: string): string => {
  const first = firstLine(source);
  if (!HOON.test(first.trim()) && !isApplication(first)) return source;
  const lines = source.replace(/^\ufeff/, '').split(/\r?\n/, MOST_LINES + 1);
  if (lines.length > MOST_LINES) {
    throw new ScriptHookError('HW_SCRIPT_TOO_LARGE', `The Hoon has more than ${MOST_LINES.toLocaleString('en')} lines`);
  }
  const code = lines.map((line) => line.replace(/^\s*::.*$/, ''));
  const behind = endOfName(withoutText(code).join('\n'), builderNames(code));
  const text = behind === undefined ? undefined : textBehind(code.join('\n'), lines, behind);
  if (text === undefined) throw new ScriptHookError('HW_SCRIPT_HOON', NOT_FOUND);
  return text;
};

/** That is neither blank nor a comment. */
const firstLine = (source: string): string => {
  const visible = /\S/g;
  for (let found = visible.exec(source); found !== null; found = visible.exec(source)) {
    const end = source.indexOf('\n', found.index);
    const rest = end < 0 ? source.slice(found.index) : source.slice(found.index, end);
    if (!rest.startsWith('::')) return rest;
    visible.lastIndex = found.index + rest.length;
  }
  return '';
};

const NOT_FOUND =
  "This is Hoon, and no JavaScript was found in it. A script stands in a text behind hook-builder-js: a line %-  hook-builder-js, then ''' on a line of its own, the script, and ''' again; or a text in '…' on one line";

const isApplication = (line: string): boolean => /^\s*(%-\s+|\()[\w-]*hook-builder-js(?![\w-])/.test(line);

/** What the file calls the library: its name, or the names that it is imported under. */
const builderNames = (code: readonly string[]): ReadonlySet<string> => {
  const names = new Set(['hook-builder-js']);
  let isImport = false;
  for (const line of code) {
    isImport = IMPORT.test(line) || (isImport && /^\s+\S/.test(line));
    if (!isImport) continue;
    for (const [, name] of line.matchAll(/(?<![a-z0-9-])([a-z][a-z0-9-]*)=hook-builder-js(?![\w-])/g))
      names.add(name as string);
  }
  // With * its parts stand by themselves, and without a name the library is its own.
  return names;
};

const CALL = /(?:^[^\S\n]*%-|\()\s*([\w-]+)/gm;

/** The text begins behind it, with nothing but blank space and comments between. */
const endOfName = (code: string, names: ReadonlySet<string>): number | undefined => {
  for (const { index, 0: call, 1: name = '' } of code.matchAll(CALL)) {
    if (names.has(name)) return index + call.length;
  }
  return undefined;
};

/** The lines before the first text: a script may speak of hook-builder-js, too. */
const withoutText = (code: readonly string[]): readonly string[] => {
  const start = code.findIndex((line) => line.trimEnd().endsWith("'''"));
  return start < 0 ? code : [...code.slice(0, start), (code[start] ?? '').replace(/'''\s*$/, '')];
};

const textBehind = (code: string, lines: readonly string[], from: number): string | undefined => {
  const at = from + code.slice(from).search(/\S/);
  const line = code.slice(0, at).split('\n').length - 1;
  const column = at - code.lastIndexOf('\n', at - 1) - 1;
  if (code.startsWith("'''", at)) return severalLines(lines, line, column);
  return code[at] === "'" ? oneLine(lines, line, column) : undefined;
};

/** A text in ''': its lines are indented like its beginning. */
const severalLines = (lines: readonly string[], start: number, indent: number): string | undefined => {
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^\s*'''\s*(?:\)\s*)?$/.test(line));
  if (end < 0 || (lines[start] ?? '').slice(indent + 3).trim() !== '') return undefined;
  const blank = ' '.repeat(indent);
  const text = rest.slice(0, end).map((line) => (line.startsWith(blank) ? line.slice(indent) : line));
  return '\n'.repeat(start + 1) + text.join('\n');
};

/** A text in ': with \' and \\ and bytes as \0a; the next line continues it between two slashes. */
const oneLine = (lines: readonly string[], start: number, column: number): string | undefined => {
  const rest = [(lines[start] ?? '').slice(column + 1), ...lines.slice(start + 1)].join('\n');
  const found = /^((?:[^'\\\n]|\\(?:['\\]|[0-9a-f]{2})|\\\n\s*\/)*)'/.exec(rest);
  if (found === null) return undefined;
  const bytes: Buffer[] = [];
  for (const [piece] of (found[1] ?? '').matchAll(/\\\n\s*\/|\\[0-9a-f]{2}|\\['\\]|[^\\]+/g)) {
    if (/^\\[0-9a-f]{2}$/.test(piece)) bytes.push(Buffer.from(piece.slice(1), 'hex'));
    else if (!piece.startsWith('\\\n')) bytes.push(Buffer.from(piece.startsWith('\\') ? piece.slice(1) : piece));
  }
  return '\n'.repeat(start) + Buffer.concat(bytes).toString('utf8');
};
