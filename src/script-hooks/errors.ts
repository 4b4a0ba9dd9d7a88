// Errors of script hooks that a caller can meet. Each has a code and stands in
// docs/script-errors.md.

/** code → what it is about. A test checks that the page explains each one. */
export const SCRIPT_ERRORS = {
  HW_SCRIPT_SYNTAX: 'the source does not parse as a classic script',
  HW_SCRIPT_HOON: 'the source is Hoon, and no JavaScript was found in it',
  HW_SCRIPT_TOO_LARGE: 'the source, or the program that it compiles to, is larger than the limit',
  HW_SCRIPT_COMPILE_TIME: 'compiling took longer than the limit',
  HW_SCRIPT_NO_EVENT: 'what was given to run() is no event',
  HW_SCRIPT_REQUEST: 'the bowl, seed or deadline that was given to run() cannot be',
  HW_SCRIPT_NO_BUNDLER: 'the source needs esbuild, which is not installed',
  HW_SCRIPT_BUNDLE: 'esbuild could not bundle the source',
  HW_SCRIPT_CLOSED: 'the hook, or the sandbox that it runs in, has been disposed',
} as const;

export type ScriptErrorCode = keyof typeof SCRIPT_ERRORS;

/**
 * A script hook could not be made or called. `line` and `column` begin with 1 and are there for
 * HW_SCRIPT_SYNTAX.
 */
export class ScriptHookError extends Error {
  override readonly name = 'ScriptHookError';
  readonly code: ScriptErrorCode;
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(code: ScriptErrorCode, message: string, place?: { readonly line: number; readonly column: number }) {
    super(message);
    this.code = code;
    this.line = place?.line;
    this.column = place?.column;
  }
}
