// An SQL statement as a value: text, name and row type. One statement is one constant in the file
// that owns the table.

/** `Row` is what a row of the answer looks like after the type conversions of connection.ts. */
export type Statement<Row> = {
  /** Named, so that PostgreSQL parses and plans it once a connection. Unique in the program. */
  readonly name: string;
  readonly text: string;
  /** Never set; carries the row type. */
  readonly row?: Row;
};

const names = new Map<string, string>();

/**
 * @example
 * const findHook = statement<HookRow>('hooks.find', 'select * from hooks where hook_group_id = $1
 * and hook_id = $2');
 */
export const statement = <Row = never>(name: string, text: string): Statement<Row> => {
  const known = names.get(name);
  if (known !== undefined && known !== text) throw new Error(`two statements are called "${name}"`);
  names.set(name, text);
  return { name, text };
};

/**
 * A piece of a statement: what a room offers to a statement that does the work of several rooms in
 * one round trip. It stands in the file that owns its table.
 */
export type Piece = {
  /** Unique among pieces: statements made of pieces are named after them. */
  readonly name: string;
  /** How many parameters its text takes. */
  readonly parameters: number;
  /** Common table expressions; their parameters are numbered from `first` on. */
  readonly text: (first: number) => string;
};

/** A piece that must do all that it is given, or the whole statement does nothing. */
export type WholePiece = Piece & {
  /** The condition that it has, with its parameters numbered as in `text`. */
  readonly isWhole: (first: number) => string;
};

/**
 * An array parameter of which the planner does not know how long it is. Else it may find a plan
 * that is made anew for each execution cheaper than one that is kept, and take longer for that plan
 * than for the work.
 */
export const ofAnyLength = (array: string): string => `(select ${array})`;

/** Pieces one after the other, as one. */
export const joinPieces = (name: string, pieces: readonly Piece[]): Piece => ({
  name,
  parameters: pieces.reduce((sum, { parameters }) => sum + parameters, 0),
  text: (first) => {
    let next = first;
    const texts = pieces.map(({ parameters, text }) => {
      next += parameters;
      return text(next - parameters);
    });
    return texts.join(',\n');
  },
});
