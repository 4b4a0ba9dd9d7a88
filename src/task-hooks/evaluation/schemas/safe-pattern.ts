// Patterns of trigger schemas. The plain ones run natively, in few steps. RE2 runs the others in
// time linear in program size × text; what RE2 cannot express runs natively, and never on the main
// thread.
import { RE2JS } from 're2js';
import type { Linear } from './bound.ts';
import { triesOfPlainPattern } from './plain-pattern.ts';

/**
 * Ajv's `code.regExp`. Ajv tells expressions apart by their text, so each must have its own.
 */
export const safeRegExp = (pattern: string, flags: string) => {
  const native = new RegExp(pattern, flags); // throws for what is no pattern in JavaScript, though RE2 may know it
  const re2 = triesOfPlainPattern(pattern) ? undefined : compileRe2(pattern);
  return re2 ? { test: (text: string) => re2.matcher(text).find(), toString: () => String(native) } : native;
};

/** undefined: RE2 cannot run it with JavaScript's meaning. */
const compileRe2 = (pattern: string): RE2JS | undefined => {
  const translated = translatePattern(pattern);
  if (translated === undefined) return undefined;
  try {
    return RE2JS.compile(RE2JS.translateRegExp(translated));
  } catch {
    return undefined; // it has a lookaround or a backreference, which RE2 leaves out by design
  }
};

export type PatternCost = {
  /** In instructions, which take some 1.5 µs each. */
  readonly compiling: number;
  /** One test of a text, in steps of 10 ns. */
  readonly steps: Linear;
};

/** Of an instruction with a character. */
const RE2_STEPS = 2;

/**
 * undefined when it has more instructions than `most`, which is known before any is made, or when
 * neither engine is known to run it quickly.
 */
export const costOfPattern = (pattern: string, most: number): PatternCost | undefined => {
  const size = estimateSize(pattern);
  const plain = triesOfPlainPattern(pattern);
  if (plain) return { compiling: Math.min(size, pattern.length), steps: plain };
  if (size > most || !compileRe2(pattern)) return undefined;
  return { compiling: size, steps: { once: 0, perByte: RE2_STEPS * size } };
};

/**
 * What JavaScript means by `\\s` and by the line ends that a dot leaves out; RE2 means less by
 * both.
 */
const SPACES = '\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}';
const NO_LINE_END = '[^\\n\\r\\x{2028}\\x{2029}]';

/**
 * Within `(?i:…)`, `(?m:…)` and `(?s:…)` the two differ: in what folds to the same letter (`ſ` and
 * `s`, `\P{Lu}`), in where a line ends, and in the dot.
 */
const CHANGED_FLAGS = /\(\?(?:[ims]+|[ims]*-[ims]+):/y;
const changesFlags = (pattern: string, at: number): boolean => {
  CHANGED_FLAGS.lastIndex = at;
  return CHANGED_FLAGS.test(pattern);
};

/**
 * The pattern with JavaScript's meanings spelled out for RE2; undefined when it has one that cannot
 * be.
 */
const translatePattern = (pattern: string): string | undefined => {
  let translated = '';
  let isInClass = false;
  for (const { 0: token, index } of pattern.matchAll(/\\.|./gsu)) {
    if (token === '(' && !isInClass && changesFlags(pattern, index)) return undefined;
    if (token === '\\s') translated += isInClass ? SPACES : `[${SPACES}]`;
    else if (token === '\\S') {
      if (isInClass) return undefined;
      translated += `[^${SPACES}]`;
    } else if (token === '.' && !isInClass) translated += NO_LINE_END;
    else {
      if (token === '[') isInClass = true;
      else if (token === ']') isInClass = false;
      translated += token;
    }
  }
  return translated;
};

const PIECE = /\\[pP]\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|./gsu;
/** The tables of a Unicode property are long. */
const PROPERTY_SIZE = 50;

/** Counted repetitions are multiplied out: RE2 copies what they repeat. */
const estimateSize = (pattern: string): number => {
  const outer: number[] = [];
  let total = 0;
  let last = 0;
  for (const [piece, least, most] of pattern.matchAll(PIECE)) {
    let size = 1;
    if (piece === '(') {
      outer.push(total);
      total = 0;
    } else if (piece === ')') {
      size = total + 2;
      total = outer.pop() ?? 0;
    } else if (least !== undefined) {
      const times = Math.max(Number(least) + 1, Number(most ?? 0));
      total -= last;
      size = times * (last + 1);
    } else if (/\\[pP]/.test(piece)) size = PROPERTY_SIZE * (piece.startsWith('[') ? piece.length : 1);
    total += size;
    last = size;
  }
  return total + outer.reduce((sum, size) => sum + size, 0);
};
