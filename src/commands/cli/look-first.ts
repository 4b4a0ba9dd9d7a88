// What a command says of a change depends on what was there before: making and removing are no
// errors when there is nothing to do, but they should not sound as if something had been done.
import { ApiCallError } from '#client';
import type { Call } from './command.ts';

/** undefined: there is none. `hidden`: the caller may change it, and may not see it. */
export const lookFirst = async <T extends object>(read: () => Promise<T>): Promise<T | 'hidden' | undefined> => {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ApiCallError)) throw error;
    if (error.statusCode === 404) return undefined;
    if (error.code === 'InsufficientScopes') return 'hidden';
    throw error;
  }
};

/** `what`: `hook my-group/my-hook`. */
export const sayRemoved = (call: Call, what: string, before: object | 'hidden' | undefined): number => {
  const said =
    before === undefined
      ? `There was no ${what}.`
      : `Removed the ${what}${before === 'hidden' ? ', if there was one' : ''}.`;
  const name = what.slice(what.indexOf(' ') + 1);
  call.output.answer({ removed: name, ...(before !== 'hidden' && { wasThere: before !== undefined }) }, () => said);
  return 0;
};
