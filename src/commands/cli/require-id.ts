// What stands in a URL as one step of its path.
import { OperatorError } from '../../core/errors.ts';

/** Throws HW_BAD_OPTION for what would lead to another path. */
export const requireId = (name: string, id: string): string => {
  if (!/^\.{0,2}$/.test(id) && id.isWellFormed()) return id;
  throw new OperatorError('HW_BAD_OPTION', { problem: `"${id}" cannot be a ${name}`, cure: 'Give its id' });
};

/** Throws HW_BAD_OPTION unless it is a whole number from 1 on. */
export const requireCount = (name: string, text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new OperatorError('HW_BAD_OPTION', { problem: `--${name} is "${text}"`, cure: 'Give a whole number above 0' });
};
