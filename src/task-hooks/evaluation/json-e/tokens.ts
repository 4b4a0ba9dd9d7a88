// The tokens of JSON-e's expressions, one at a time: what follows an expression is not looked at.
import { syntaxError } from './errors.ts';

/** `kind` is the text itself, or `number`, `identifier`, `string`. */
export type Token = { readonly kind: string; readonly text: string; readonly start: number; readonly end: number };

const SPACE = /\s*/y;
const TOKEN =
  /(\*\*|>=|<=|==|!=|&&|\|\||[-+*/[\].(){}:,<>!])|([0-9]+(?:\.[0-9]+)?)|([a-zA-Z_][a-zA-Z_0-9]*)|'[^']*'|"[^"]*"/y;
const WORDS = new Set(['true', 'false', 'in', 'null']);

/**
 * undefined: nothing is left.
 * @param base where the expression begins; errors quote the source from there.
 */
export const nextToken = (source: string, base: number, from: number): Token | undefined => {
  SPACE.lastIndex = from;
  SPACE.exec(source);
  const start = SPACE.lastIndex;
  if (start === source.length) return undefined;
  TOKEN.lastIndex = start;
  const match = TOKEN.exec(source);
  if (!match) throw syntaxError(`Unexpected input for '${source.slice(base)}' at '${source.slice(start)}'`);
  const [text, sign, number, word] = match;
  return { kind: sign ?? kindOf(text, number, word), text, start, end: TOKEN.lastIndex };
};

const kindOf = (text: string, number: string | undefined, word: string | undefined): string => {
  if (number !== undefined) return 'number';
  if (word === undefined) return 'string';
  return WORDS.has(text) ? text : 'identifier';
};
