// What commands print: answers on standard output, as text or JSON; remarks on standard error.
// Nothing in them can steer a terminal.
import type { CommandIo } from './command.ts';

export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold';

export type Output = {
  /** Whether `--json` was given. */
  readonly isJson: boolean;
  /** The answer: JSON with `--json`, otherwise the text that `describe` makes. */
  readonly answer: (value: unknown, describe: (colour: Paint) => string) => void;
  /** A line of the answer. */
  readonly line: (text: string) => void;
  /** Something beside the answer, which a script that reads the answer must not find in it. */
  readonly remark: (text: string) => void;
  /** Colours text for standard output, if that is a terminal that wants colours. */
  readonly paint: Paint;
};

export type Paint = (colour: Colour, text: string) => string;

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  dim: [2, 22],
  bold: [1, 22],
};

export const createOutput = ({ stdout, stderr, env }: CommandIo, isJson: boolean): Output => {
  const paint: Paint = wantsColours(stdout, env)
    ? (colour, text) => `\x1b[${CODES[colour][0]}m${text}\x1b[${CODES[colour][1]}m`
    : (_colour, text) => text;
  return {
    isJson,
    answer: (value, describe) => {
      const text = isJson ? asJson(value) : describe(paint);
      if (text !== '') stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    line: (text) => void stdout.write(`${text}\n`),
    remark: (text) => void stderr.write(`${printable(text)}\n`),
    paint,
  };
};

/** https://no-color.org: any value that is not empty. */
const wantsColours = (stream: NodeJS.WritableStream, env: NodeJS.ProcessEnv): boolean =>
  'isTTY' in stream && stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';

/**
 * JSON escapes the control characters below a space by itself; terminals obey some above as well.
 */
export const asJson = (value: unknown, indent = 2): string =>
  JSON.stringify(value, null, indent).replace(
    /[\x7f-\x9f]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** With control characters, except ends of lines, written out: `\x1b`. */
export const printable = (text: string): string =>
  text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, (found) =>
    found === '\t' ? ' ' : `\\x${found.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );

/** The same in one line. */
export const oneLine = (text: string): string => printable(text.replace(/\s*\n\s*/g, ' ').trim());
