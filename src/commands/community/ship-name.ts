// The name of a ship as people write it: with or without ~, which shells take for a folder.
import { normalizeShip } from '../../community/schema/ship.ts';
import { OperatorError } from '../../core/errors.ts';
import type { Call } from '../cli/command.ts';

/** `~sampel-palnet`. Throws HW_BAD_OPTION. */
export const shipOf = (call: Call): string => {
  const text = call.argument('SHIP');
  const ship = normalizeShip(text);
  if (ship !== null) return ship;
  throw new OperatorError('HW_BAD_OPTION', {
    problem: `"${text}" is not the name of a ship`,
    cure: 'Such a name is zod or sampel-palnet: one or more words of known syllables',
  });
};
