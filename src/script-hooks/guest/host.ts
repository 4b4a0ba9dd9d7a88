// The guest's part that calls the host. Evaluated inside the engine: see source.ts.

export type Host = (op: number, text: string) => unknown;

/** What the host refuses, it throws as a text; scripts get an Error, with a stack that leads into their source. */
export const guestHost = (raw: Host): Host => {
  const ErrorOf = Error;
  return (op, text) => {
    try {
      return raw(op, text);
    } catch (refusal) {
      throw typeof refusal === 'string' ? new ErrorOf(refusal) : refusal;
    }
  };
};
