// The guest's part that calls the host. Evaluated inside the engine: see source.ts.

/** With a value, the host says whether the part that `text` numbers still looks as it went in. */
export type Host = (op: number, text: string, value?: unknown) => unknown;

/**
 * What the host refuses, it throws as a text; scripts get an Error, with a stack that leads into
 * their source.
 */
export const guestHost = (raw: Host): Host => {
  const ErrorOf = Error;
  return (op, text, value) => {
    try {
      return value === undefined ? raw(op, text) : raw(op, text, value);
    } catch (refusal) {
      throw typeof refusal === 'string' ? new ErrorOf(refusal) : refusal;
    }
  };
};
