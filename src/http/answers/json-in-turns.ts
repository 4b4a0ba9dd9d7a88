// The JSON of large answers, written in turns, so that others are served between them.
import { nextTurn } from '../../core/clock.ts';

/** Characters that are written before others have a turn: some milliseconds. */
const AT_ONCE = 1_000_000;
/** How deep a value is taken apart; what lies below is written at once. */
const DEEPEST = 2;

/** The text that JSON.stringify makes of plain data. undefined: there is none. */
export const jsonInTurns = async (value: unknown): Promise<string | undefined> => {
  let written = 0;

  const write = async (part: object, depth: number): Promise<string> => {
    const isList = Array.isArray(part);
    const texts: string[] = [];
    for (const [key, member] of Object.entries(part)) {
      const isTakenApart = depth < DEEPEST && isContainer(member);
      const text = isTakenApart ? await write(member, depth + 1) : (JSON.stringify(member) as string | undefined);
      if (!isTakenApart) written += text?.length ?? 0;
      if (isList) texts.push(text ?? 'null');
      else if (text !== undefined) texts.push(`${JSON.stringify(key)}:${text}`);
      if (written <= AT_ONCE) continue;
      written = 0;
      await nextTurn();
    }
    return isList ? `[${texts.join(',')}]` : `{${texts.join(',')}}`;
  };

  return isContainer(value) ? write(value, 1) : JSON.stringify(value);
};

const isContainer = (value: unknown): value is object =>
  Array.isArray(value) ||
  (typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    !('toJSON' in value));
