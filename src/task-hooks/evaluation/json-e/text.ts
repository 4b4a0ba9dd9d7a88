// Texts with `${expressions}` in them; `$${` stands for `${`.
import { odd, templateError } from './errors.ts';
import { compileInterpolation, type Room, takeRoom } from './parser.ts';
import { isObject, type Part, type Run, spend, spendText } from './run.ts';

/** A text that is the same each time is answered as it is. */
export const compileText = (text: string, room: Room): string | Part => {
  const pieces: (string | Part)[] = [];
  let constant = '';
  let from = 0;
  for (let at = text.indexOf('${'); at !== -1; at = text.indexOf('${', from)) {
    if (at > from && text[at - 1] === '$') {
      takeRoom(room, 1);
      constant += `${text.slice(from, at - 1)}\${`;
      from = at + 2;
      continue;
    }
    pieces.push(constant + text.slice(from, at));
    constant = '';
    const { part, end } = compileInterpolation(text, at + 2, room);
    pieces.push(end === undefined ? part : written(part, text.slice(at + 2, end)));
    if (end === undefined) return inserted(pieces); // rendering ends there
    from = end + 1;
  }
  constant += text.slice(from);
  if (pieces.length === 0) return constant;
  pieces.push(constant);
  return inserted(pieces.filter((piece) => piece !== ''));
};

const inserted = (pieces: readonly (string | Part)[]): Part => {
  const [first] = pieces;
  if (pieces.length === 1 && typeof first === 'function') return first; // no text is made
  return (scope, run) => {
    spend(run, pieces.length);
    let text = '';
    for (const piece of pieces) {
      const next = typeof piece === 'string' ? piece : (piece(scope, run) as string);
      spendText(run, next.length);
      text += next;
    }
    return text;
  };
};

const written =
  (part: Part, source: string): Part =>
  (scope, run) => {
    const value = part(scope, run);
    if (typeof value === 'string') return value;
    if (value === null) return '';
    if (Array.isArray(value) || isObject(value)) {
      throw templateError(`interpolation of '${source}' produced an array or object`);
    }
    return writtenNumber(value, run);
  };

/** Of a function the library writes its own source. */
const writtenNumber = (value: unknown, run: Run): string => {
  spend(run, 5);
  return typeof value === 'function' ? odd() : String(value);
};
