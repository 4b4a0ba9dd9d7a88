// How busy the connections to the database are. Who waits for one shows here first.
import type { Metrics } from '../core/metrics.ts';
import type { Database } from './database.ts';

/** Read at each scrape; that costs nothing. */
export const measurePool = ({ use }: Pick<Database, 'use'>, metrics: Metrics): void => {
  metrics.gauge(
    'hookwright_database_connections',
    'Connections of this process to the database: `busy` or `idle`; and `waiting`: statements that wait for one',
    ['state'],
    (gauge) => {
      const { busy, idle, waiting } = use();
      gauge.set({ state: 'busy' }, busy);
      gauge.set({ state: 'idle' }, idle);
      gauge.set({ state: 'waiting' }, waiting);
    },
  );
};
