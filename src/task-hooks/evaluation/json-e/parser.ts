// Expressions of JSON-e, parsed once into parts: the same grammar as the library's, with its texts
// of errors. Where it crashes over an unfinished expression, the rendering is handed over.
import { HandOver, JsonEError, ODD, odd, syntaxError } from './errors.ts';
import { access, binary, call, constant, contextValue, hole, list, member, unary } from './parts.ts';
import { type Part, setProperty, spend } from './run.ts';
import { nextToken, type Token } from './tokens.ts';

/** What compiling a template may still cost; beyond it the template is odd. */
export type Room = { tokens: number };

export const takeRoom = (room: Room, tokens: number): void => {
  room.tokens -= tokens;
  if (room.tokens < 0) throw new TooLarge();
};
/** In tokens: making an error takes long. */
const EACH_ERROR = 20;

/** Evaluating goes as deep as an expression is long: `1 + 1 + …`. */
const MOST_TOKENS_OF_EXPRESSION = 1_000;
const DEEPEST_EXPRESSION = 50;

/** From what binds least. */
const LEVELS: Readonly<Record<string, number>> = {
  ...{ '||': 0, '&&': 1, in: 2, '==': 3, '!=': 3, '<': 4, '>': 4, '<=': 4, '>=': 4 },
  ...{ '+': 5, '-': 5, '*': 6, '/': 6, '**': 7 },
};
const LEVEL_OF_POWER = 7;

const BEGINNINGS = '!, (, +, -, [, false, identifier, null, number, string, true, {';
const CONTINUATIONS = '!=, &&, (, *, **, +, -, ., /, <, <=, ==, >, >=, [, in, ||';

const unexpected = (token: Token, expected: string): JsonEError =>
  syntaxError(`Found: ${token.text} token, expected one of: ${expected}`);

/** A whole source is one expression. */
export const compileExpression = (source: string, room: Room): Part =>
  deferErrors(room, () => {
    const { part, next } = parse(source, 0, room);
    if (next) throw unexpected(next, CONTINUATIONS);
    return part;
  });

/** An expression of a text, up to its `}`. */
export const compileInterpolation = (
  text: string,
  from: number,
  room: Room,
): { readonly part: Part; readonly end: number | undefined } => {
  let end: number | undefined;
  const part = deferErrors(room, () => {
    const parsed = parse(text, from, room);
    const { next } = parsed;
    if (!next) throw syntaxError('unterminated ${..} expression');
    if (next.kind !== '}') throw unexpected(next, CONTINUATIONS);
    end = next.start;
    return parsed.part;
  });
  return { part, end };
};

/** A template is refused only when its rendering comes to what is wrong. */
const deferErrors = (room: Room, compile: () => Part): Part => {
  try {
    return compile();
  } catch (error) {
    if (error instanceof JsonEError) {
      takeRoom(room, EACH_ERROR);
      const { name, message } = error;
      return () => {
        throw new JsonEError(name as 'SyntaxError', message);
      };
    }
    if (error === ODD) return odd;
    throw error;
  }
};

/** Compiling itself is to stop here: the template is too large. */
export class TooLarge extends HandOver {
  constructor() {
    super('odd');
  }
}

type Parsed = { readonly part: Part; readonly next: Token | undefined };

const parse = (source: string, from: number, room: Room): Parsed => {
  const least = room.tokens - MOST_TOKENS_OF_EXPRESSION;
  let depth = 0;
  let current: Token | undefined;

  const read = (at: number) => {
    takeRoom(room, 1);
    if (room.tokens < least) throw new TooLarge();
    current = nextToken(source, from, at);
  };
  const take = (kind: string): Token => {
    if (!current) throw syntaxError('Unexpected end of input');
    const taken: Token = current;
    if (taken.kind !== kind) throw unexpected(taken, kind);
    read(taken.end);
    return taken;
  };
  /** What is read here must be there: the library crashes where it is not. */
  const kindHere = (): string => (current ? current.kind : odd());
  const isNext = (kind: string): boolean => current?.kind === kind;

  // undefined, here and below: there is no operand, which the library sees later or never.
  const expression = (lowest = 0): Part | undefined => {
    depth += 1;
    if (depth > DEEPEST_EXPRESSION) throw new TooLarge();
    let left = accesses();
    for (let level = levelHere(); level !== undefined && level >= lowest; level = levelHere()) {
      const { kind } = take(kindHere());
      if (level === LEVEL_OF_POWER) {
        const exponent = expression(level);
        left = binary(kind, exponent ?? hole, left ?? hole);
      } else {
        const right = expression(level + 1);
        left = binary(kind, left ?? hole, right ?? hole);
      }
    }
    depth -= 1;
    return left;
  };
  const levelHere = (): number | undefined => (current ? LEVELS[current.kind] : undefined);

  const accesses = (): Part | undefined => {
    let part = unit();
    for (;;) {
      if (isNext('[')) part = bracketed(part ?? hole);
      else if (isNext('(')) part = called(part ?? hole);
      else if (isNext('.')) {
        take('.');
        part = member(part ?? hole, take('identifier').text);
      } else return part;
    }
  };

  const unit = (): Part | undefined => {
    const kind = kindHere();
    if (kind === '-' || kind === '+' || kind === '!') {
      depth += 1;
      if (depth > DEEPEST_EXPRESSION) throw new TooLarge();
      take(kind);
      const operand = unit() ?? hole;
      depth -= 1;
      return unary(kind, operand);
    }
    if (kind === 'identifier') return contextValue(take(kind).text);
    if (kind === 'number') return constant(Number(take(kind).text));
    if (kind === 'string') return constant(take(kind).text.slice(1, -1));
    if (Object.hasOwn(WORDS, kind)) {
      take(kind);
      return constant(WORDS[kind]);
    }
    if (kind === '(') return inParentheses();
    if (kind === '[') return listed();
    return kind === '{' ? object() : undefined;
  };

  const refuseHole = (part: Part | undefined): void => {
    if (!part && current) throw unexpected(current, BEGINNINGS);
  };

  const inParentheses = (): Part => {
    take('(');
    const part = expression();
    refuseHole(part);
    take(')');
    return part as Part;
  };

  const separated = (isMore: () => boolean): Part[] => {
    let item = expression();
    const items = [item];
    while (isMore()) {
      refuseHole(item);
      take(',');
      item = expression();
      items.push(item);
    }
    return items.map((one) => one ?? hole);
  };

  const called = (callee: Part): Part => {
    take('(');
    const parameters = kindHere() === ')' ? [] : separated(() => isNext(','));
    take(')');
    return call(callee, parameters);
  };

  const listed = (): Part => {
    take('[');
    const items = kindHere() === ']' ? [] : separated(() => kindHere() === ',');
    take(']');
    return list(items);
  };

  const bracketed = (value: Part): Part => {
    take('[');
    if (kindHere() === ']') throw unexpected(current as Token, BEGINNINGS);
    const left = kindHere() === ':' ? undefined : expression();
    const isInterval = kindHere() === ':';
    if (isInterval) take(':');
    const right = kindHere() === ']' ? undefined : expression();
    if (isInterval && !right && kindHere() !== ']') throw unexpected(current as Token, BEGINNINGS);
    take(']');
    return access(value, isInterval, left, right);
  };

  const object = (): Part => {
    const parts: Record<string, Part> = {};
    take('{');
    while (isNext('string') || isNext('identifier')) {
      const { kind, text } = take(kindHere());
      take(':');
      const value = expression();
      refuseHole(value);
      setProperty(parts, kind === 'string' ? text.slice(1, -1) : text, value);
      if (isNext('}')) break;
      take(',');
    }
    take('}');
    const entries = Object.entries(parts);
    return (scope, run) => {
      spend(run, 1 + entries.length);
      const values: Record<string, unknown> = {};
      for (const [key, part] of entries) setProperty(values, key, part(scope, run));
      return values;
    };
  };

  read(from);
  const part = expression() ?? hole;
  return { part, next: current };
};

const WORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };
