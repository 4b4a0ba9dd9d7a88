// How a rendering ends without a value: with an error of JSON-e, for the author of the template, or
// handed over, because this renderer is not the one to finish it.

/** As the library throws it: the same name, text and place. */
export class JsonEError extends Error {
  readonly location: string[] = [];

  constructor(name: JsonEErrorName, message: string) {
    super(message);
    this.name = name;
  }

  override toString(): string {
    const place = this.location.length > 0 ? ` at template${this.location.join('')}` : '';
    return `${this.name}${place}: ${this.message}`;
  }
}

export type JsonEErrorName = 'TemplateError' | 'SyntaxError' | 'InterpreterError' | 'BuiltinError';

export const templateError = (message: string): JsonEError => new JsonEError('TemplateError', message);
export const interpreterError = (message: string): JsonEError => new JsonEError('InterpreterError', message);
export const syntaxError = (message: string): JsonEError => new JsonEError('SyntaxError', message);

/** `odd`: the library does something here that nobody would want to imitate, or crashes. */
export class HandOver extends Error {
  readonly why: 'budget' | 'odd';

  constructor(why: 'budget' | 'odd') {
    super(why);
    this.why = why;
  }
}

// One for all: making a stack each time would cost more than it says.
export const BEYOND_BUDGET = new HandOver('budget');
export const ODD = new HandOver('odd');

export const odd = (): never => {
  throw ODD;
};
