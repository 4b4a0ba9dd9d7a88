// Where in a script something went wrong, read from what the engine says of its stack.

/** The name under which scripts are compiled; it stands in their stack traces. */
export const SCRIPT_NAME = 'hook-eval.js';

/** Both begin with 1. */
export type SourcePlace = { readonly line: number; readonly column: number };

/** The innermost place in the script itself. */
export const sourcePlace = (stack: string): SourcePlace | undefined => {
  const found = /hook-eval\.js:(\d{1,9})(?::(\d{1,9}))?/.exec(stack);
  return found === null ? undefined : { line: Number(found[1]), column: Number(found[2] ?? 1) };
};
