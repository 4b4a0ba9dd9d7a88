// Where in a script something went wrong, read from what the engine says of its stack.

/** The name under which scripts are compiled; it stands in their stack traces. */
export const SCRIPT_NAME = 'hook-eval.js';

/** Both begin with 1. */
export type SourcePlace = { readonly line: number; readonly column: number };

/** A call that was under way. `name` is the function's, or empty. */
export type StackFrame = SourcePlace & { readonly name: string };

const FRAME = /^\s*at (?:(.*) \()?hook-eval\.js:(\d{1,9})(?::(\d{1,9}))?\)?$/;
const MOST_FRAMES = 30;
const LONGEST_NAME = 100;

/**
 * The calls in the script itself, the innermost first. Those of `constructors` at the top are left
 * out: where an error class calls `super` is not where the error happened.
 */
export const stackFrames = (stack: string, constructors: readonly string[] = []): StackFrame[] => {
  const frames = stack.split('\n').flatMap((text): StackFrame[] => {
    const found = FRAME.exec(text);
    if (found === null) return [];
    const name = (found[1] ?? '').replace(/^(new )|^<(anonymous|eval)>$/, '').slice(0, LONGEST_NAME);
    return [{ name, line: Number(found[2]), column: Number(found[3] ?? 1) }];
  });
  const first = frames.findIndex(({ name }) => !constructors.includes(name));
  return frames.slice(Math.max(0, first), MOST_FRAMES);
};
