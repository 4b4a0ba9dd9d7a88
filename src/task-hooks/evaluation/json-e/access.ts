// `value[index]` and `value[from:to]` of JSON-e's expressions.
import { interpreterError, odd } from './errors.ts';
import { isObject, type Run, spend, spendText } from './run.ts';

export const accessed = (value: unknown, isInterval: boolean, left: unknown, right: unknown, run: Run): unknown => {
  if (Array.isArray(value)) {
    const range = readRange(value.length, isInterval, left, right);
    if (range.to === undefined) return value[range.from];
    spend(run, range.to - range.from);
    return value.slice(range.from, range.to);
  }
  if (typeof value === 'string') return accessedText(value, isInterval, left, right, run);
  if (!isObject(value)) throw interpreterError('infix: "[..]" expects object, array, or string');
  if (typeof left !== 'string') throw interpreterError('object keys must be strings');
  return Object.hasOwn(value, left) ? value[left] : null;
};

/** Characters are code points. */
const accessedText = (text: string, isInterval: boolean, left: unknown, right: unknown, run: Run): unknown => {
  spend(run, 1 + (text.length >> 5));
  if (/^[\x00-\x7F]*$/.test(text)) {
    const { from, to } = readRange(text.length, isInterval, left, right);
    return to === undefined ? text[from] : text.slice(from, to);
  }
  spendText(run, text.length);
  spend(run, text.length);
  const characters = [...text];
  const { from, to } = readRange(characters.length, isInterval, left, right);
  return to === undefined ? characters[from] : characters.slice(from, to).join('');
};

/** What is no number comes as far as it does in the library, which compares and adds it. */
const readRange = (
  length: number,
  isInterval: boolean,
  left: unknown,
  right: unknown,
): { readonly from: number; readonly to: number | undefined } => {
  let from = comparable(left);
  if (from < 0) from = Math.max(0, fromEnd(length, from));
  if (!isInterval) {
    if (!Number.isInteger(from)) throw interpreterError('should only use integers to access arrays or strings');
    if (from >= length) throw interpreterError('index out of bounds');
    return { from, to: undefined };
  }
  let to = right === null ? length : comparable(right);
  if (to < 0) to = Math.max(0, fromEnd(length, to));
  if (from > to) from = to;
  if (!Number.isInteger(from) || !Number.isInteger(to)) {
    throw interpreterError('cannot perform interval access with non-integers');
  }
  return { from, to };
};

/** Typed as what it is in all cases but those that end in an error. */
const comparable = (value: unknown): number =>
  (typeof value === 'object' && value !== null) || typeof value === 'function' ? odd() : (value as number);

const fromEnd = (length: number, index: number): number => length + index;
