// Pieces of statements: what a room offers to a statement that does the work of several rooms in
// one round trip. Each stands in the file that owns its table.

export type Piece = {
  /** Unique among pieces: statements made of pieces are named after them. */
  readonly name: string;
  /** How many parameters its text takes. */
  readonly parameters: number;
  /** Common table expressions; their parameters are numbered from `first` on. */
  readonly text: (first: number) => string;
};

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
