// The lines of a difference, as the server tells them, for people.
import { oneLine, type Paint } from '../cli/output.ts';

export const paintDiff = (diff: readonly string[], paint: Paint): string =>
  diff.map((line) => paint(COLOURS[line.slice(0, 1)] ?? 'yellow', oneLine(line))).join('\n');

const COLOURS: Readonly<Record<string, 'green' | 'red'>> = { '+': 'green', '-': 'red' };
