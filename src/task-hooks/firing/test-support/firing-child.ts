// A process that begins fires as it is asked to, each by its taskId, and says when one has begun:
// firing-child.ts <connection as JSON>
import { systemClock } from '../../../core/clock.ts';
import { silentLog } from '../../../core/log.ts';
import { openDatabase } from '../../../database/connection.ts';
import { createHookStore } from '../../hooks/hook-store.ts';
import { createFiringProcess, fireOf } from './process.ts';

const [connection = '{}'] = process.argv.slice(2);
const clock = systemClock;
const database = openDatabase({
  ...{ connection: JSON.parse(connection), address: 'the test database', poolSize: 4 },
  ...{ clock, log: silentLog },
});
const hook = await createHookStore(database).find({ hookGroupId: 'g', hookId: 'h' });
if (!hook) throw new Error('there is no hook');
const { beginFires } = createFiringProcess(database, clock);

process.on('message', async (taskId: string) => {
  const { outcome } = await beginFires.alone(hook, fireOf(hook, clock, {}, taskId), 0);
  process.send?.({ taskId, outcome });
});
