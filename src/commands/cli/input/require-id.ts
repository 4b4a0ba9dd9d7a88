// What stands in a URL as one step of its path.

import { OperatorError } from '../../../core/errors.ts';
import { SLUG_ID } from '../../../core/ids.ts';

export const SLUG_ID_IN_WORDS = '22 letters, digits, - and _, such as XMar0Q9zRRWpDUTMpkFktw';

/** Throws HW_BAD_OPTION for what would lead to another path. */
export const requireId = (name: string, id: string): string => {
  if (!/^\.{0,2}$/.test(id) && id.isWellFormed()) return id;
  throw new OperatorError('HW_BAD_OPTION', { problem: `"${id}" cannot be a ${name}`, cure: 'Give its id' });
};

/** The id of a task or a task group, which has the id of its first task. Throws HW_BAD_OPTION. */
export const requireSlugId = (name: string, id: string): string => {
  if (SLUG_ID.test(id)) return id;
  throw new OperatorError('HW_BAD_OPTION', {
    problem: `"${id}" cannot be a ${name}: its id is ${SLUG_ID_IN_WORDS}`,
    cure: 'Those of the tasks of a hook are in: hookwright hooks fires GROUP/HOOK',
  });
};

/** Throws HW_BAD_OPTION unless it is a whole number from 1 on. */
export const requireCount = (name: string, text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new OperatorError('HW_BAD_OPTION', { problem: `--${name} is "${text}"`, cure: 'Give a whole number above 0' });
};
