// A community of a few ships on a database of its own, for tests of what its stores do.
import { type Cleanup, freshDatabase } from '../../../test/support/database.ts';
import { createFakeClock } from '../../../test/support/fake-clock.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { createSecretBox } from '../../core/secret-box.ts';
import { createShips } from '../ships/ships.ts';

export const [ZOD, NEC, FES, BUD] = ['~zod', '~nec', '~fes', '~bud'] as const;

export const createWorld = async (t: Cleanup, others: readonly string[] = [NEC, FES, BUD]) => {
  const database = await freshDatabase(t);
  const clock = createFakeClock();
  const base = { clock, database, log: silentLog, metrics: createMetrics() };
  const ships = createShips({ ...base, ship: ZOD, secretBox: createSecretBox(Buffer.alloc(32, 7)) });
  await ships.addHost();
  for (const ship of others) await ships.add(ship);
  return { ...base, ships };
};
