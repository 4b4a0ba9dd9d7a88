// What is wrong with the options of a command line, from what node:util's parseArgs throws.
import { describeError, errorCode } from './errors.ts';
import { nearest } from './nearest.ts';

/** One clause without a full stop. `names`: the options that there are, without hyphens. */
export const optionProblem = (error: unknown, names: readonly string[]): string => {
  const message = describeError(error);
  const [, given = ''] = /^Unknown option '(-[^']*)'/.exec(message) ?? [];
  if (errorCode(error) === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && given !== '') {
    const meant = meantBy(given.replace(/^-+/, ''), names);
    return `There is no option ${given}${meant === undefined ? '' : ` (did you mean --${meant}?)`}`;
  }
  const [, extra] = /^Unexpected argument '(.*)'\. This command/s.exec(message) ?? [];
  if (extra !== undefined) return `"${extra}" is one argument too many`;
  const [, option, problem] =
    /^Option '(--?[\w-]+).*' (argument missing|argument is ambiguous|does not take)/.exec(message) ?? [];
  if (problem === undefined) return message.split(/\. |\.$/)[0] ?? '';
  if (problem === 'does not take') return `${option} takes no value`;
  return `${option} needs a value${problem === 'argument missing' ? '' : `; one that begins with - follows = (${option}=-…)`}`;
};

const meantBy = (name: string, names: readonly string[]): string | undefined => {
  if (name.length > 1) return nearest(name, names);
  const [one, other] = names.filter((known) => known.startsWith(name));
  return other === undefined ? one : undefined;
};
