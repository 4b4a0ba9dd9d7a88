// Publishing over HTTP: what is accepted is durable, and what this server says of its own doings cannot be forged.
import { newSlugId } from '../core/ids.ts';
import type { Database } from '../database/database.ts';
import { ApiError } from '../http/api-error.ts';
import { type ApiService, implementApi } from '../http/api-method.ts';
import type { Broker } from './broker.ts';
import { whyNoName } from './outbox.ts';
import { BROKER_API } from './publish-api-declaration.ts';

export type PublishApiSettings = {
  readonly database: Database;
  readonly broker: Pick<Broker, 'publish'>;
};

/** Where only this server speaks: those who read there take it for what happened. */
const OWN_EXCHANGES = ['exchange/taskcluster-hooks/', 'exchange/taskcluster-queue/'] as const;

export const createPublishApi = ({ database, broker }: PublishApiSettings): ApiService =>
  implementApi(BROKER_API, {
    publish: async ({ params, query, payload }) => {
      const { exchange = '' } = params;
      const { routingKey = '', messageId = newSlugId() } = query;
      const own = OWN_EXCHANGES.find((prefix) => exchange.startsWith(prefix));
      if (own !== undefined) {
        throw new ApiError(
          'InputError',
          `Messages on \`${own}…\` tell what this server did; nobody else can publish there, whatever their scopes.`,
        );
      }
      const whyNot = whyNoName(routingKey);
      if (whyNot !== undefined) throw new ApiError('InputError', `The routingKey ${whyNot}.`);
      await database.transaction((tx) => broker.publish(tx, [{ exchange, routingKey, messageId, body: payload }]));
      return { body: { messageId } };
    },
  });
