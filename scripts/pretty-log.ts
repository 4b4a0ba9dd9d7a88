// A line of the server's log (pino's JSON) for people:
//   08:39:15.299 info  migrating the database  migrations=["0001_skeleton"]
import { styleText } from 'node:util';

const LEVELS: Readonly<Record<number, readonly [name: string, colour: Parameters<typeof styleText>[0]]>> = {
  10: ['trace', 'gray'],
  20: ['debug', 'gray'],
  30: ['info', 'green'],
  40: ['warn', 'yellow'],
  50: ['error', 'red'],
  60: ['fatal', 'red'],
};

/** What is no entry of the log stays as it is. */
export const prettyLogLine = (line: string, useColour: boolean): string => {
  const entry = parseEntry(line);
  if (entry === undefined) return line;
  const { level, time, pid: _, msg, err, ...fields } = entry;
  const [name, colour] = LEVELS[Number(level)] ?? [String(level), 'white'];
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    useColour ? styleText(style, text, { validateStream: false }) : text;
  const named = Object.entries(fields).map(([key, value]) => `${key}=${asText(value)}`);
  const head = [`${String(time).slice(11, 23)} ${paint(colour, name.padEnd(5))} ${msg ?? ''}`];
  if (named.length > 0) head.push(paint('gray', named.join(' ')));
  return [head.join('  '), ...describeError(err)].join('\n');
};

type Entry = Readonly<Record<string, unknown>>;

const parseEntry = (line: string): Entry | undefined => {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry = JSON.parse(line) as Entry;
    return 'level' in entry && 'time' in entry ? entry : undefined;
  } catch {
    return undefined; // somebody else's line that begins with a brace
  }
};

const asText = (value: unknown): string =>
  typeof value === 'string' && !/[\s"]/.test(value) && value !== '' ? value : JSON.stringify(value);

/** The stack of the error, indented below its line. */
const describeError = (error: unknown): string[] => {
  if (error === undefined) return [];
  const { stack, ...rest } = error as { stack?: string };
  return `${stack ?? JSON.stringify(rest)}`.split('\n').map((text) => `    ${text}`);
};
