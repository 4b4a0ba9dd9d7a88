// The broker that the configuration names: a RabbitMQ, or the one in the database.

import { AUTH_EXCHANGES } from '../auth/exchanges.ts';
import type { Broker } from '../broker/broker.ts';
import { createDatabaseBroker } from '../broker/in-database/database-broker.ts';
import { exchangeOf } from '../broker/names.ts';
import { createAmqpConnection } from '../broker/rabbitmq/connection/connection.ts';
import { createRabbitmqBroker } from '../broker/rabbitmq/rabbitmq-broker.ts';
import { createAmqpTools } from '../broker/rabbitmq/tools.ts';
import type { Config } from '../config.ts';
import type { Base } from '../database/base.ts';
import type { ExchangesDeclaration } from '../http/api-method.ts';
import { QUEUE_EXCHANGES } from '../queue/standalone/exchanges.ts';
import { HOOK_EXCHANGES } from '../task-hooks/api/exchanges.ts';

export type ConfiguredBroker = {
  readonly broker: Broker;
  /**
   * Takes messages in until `intake` aborts, and is there for publishing by hand until `end` does.
   */
  readonly run: (intake: AbortSignal, end: AbortSignal) => Promise<void>;
};

export const createConfiguredBroker = (config: Config, surroundings: Base): ConfiguredBroker => {
  const { amqpUrl: url, amqpQueueType: queueType, replaceQueues, parts, mode } = config;
  const isListener = parts.includes('listeners');
  const ownExchanges = ownExchangesIn(mode);
  if (url === undefined) {
    const broker = { ...createDatabaseBroker(surroundings), ownExchanges };
    return { broker, run: async (intake) => (isListener ? broker.run(intake) : undefined) };
  }
  const { clock, log, metrics } = surroundings;
  const connectionFor = (name: string) => createAmqpConnection({ url, clock, log, metrics, name });
  const connection = connectionFor('publishing');
  const consuming = connectionFor('consuming');
  const broker = createRabbitmqBroker({
    ...{ ...surroundings, connection, consuming, queueType, replaceQueues },
    tools: createAmqpTools({ connection, clock }),
    exchanges: ownExchanges,
  });
  return {
    broker: { ...broker, ownExchanges },
    run: async (intake, end) => {
      const isNeeded = isListener || parts.includes('web');
      await Promise.all([
        isNeeded && connection.run(end),
        isListener && consuming.run(end),
        isListener && broker.run(intake),
      ]);
    },
  };
};

/** All exchanges on which the services publish that run here. */
export const ownExchangesIn = (mode: Config['mode']): readonly string[] => [
  ...exchangesOf('hooks', HOOK_EXCHANGES),
  ...(mode === 'standalone' ? [...exchangesOf('auth', AUTH_EXCHANGES), ...exchangesOf('queue', QUEUE_EXCHANGES)] : []),
];

const exchangesOf = (service: Parameters<typeof exchangeOf>[0], { entries }: ExchangesDeclaration): string[] =>
  entries.map(({ exchange }) => exchangeOf(service, exchange));
