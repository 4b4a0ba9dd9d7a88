// The number that a fire has in the ledger.
import { OperatorError } from '../../core/errors.ts';

/** Throws HW_BAD_OPTION. */
export const requireFire = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new OperatorError('HW_BAD_OPTION', {
    problem: `"${text}" is not the number of a fire`,
    cure: 'Give one that hookwright fires search shows first',
  });
};
