// The broker over HTTP: publishing, where what is accepted is durable and what this server says of
// its own doings cannot be forged; watching.
import { toIso } from '../core/clock.ts';
import { newSlugId } from '../core/ids.ts';
import { ApiError } from '../http/api-error.ts';
import { type ApiService, implementApi } from '../http/api-method.ts';
import { BROKER_API } from './api-declaration.ts';
import { ownPrefixOf, whyNoName } from './names.ts';
import type { BrokerTools, WatchedMessage } from './operator-tools.ts';

export type BrokerApiSettings = {
  readonly tools: BrokerTools;
  /** Aborts when the server ends: nobody is to wait any more. */
  readonly ending: AbortSignal;
};

export const createBrokerApi = ({ tools, ending }: BrokerApiSettings): ApiService =>
  implementApi(BROKER_API, {
    publish: async ({ params, query, payload }) => {
      const { exchange = '' } = params;
      const { routingKey = '', messageId = newSlugId(), declare } = query;
      const own = ownPrefixOf(exchange);
      if (own !== undefined) {
        throw new ApiError(
          'InputError',
          `Messages on \`${own}…\` tell what this server did; nobody else can publish there, whatever their scopes.`,
        );
      }
      requireKey('routingKey', routingKey);
      const message = { exchange, routingKey, messageId, body: payload };
      const { wasRouted } = await tools.publish(message, { declare: declare === 'true' });
      return { body: { messageId, wasRouted } };
    },
    openWatch: async ({ params, query }) => {
      const { routingKeyPattern = '#' } = query;
      requireKey('routingKeyPattern', routingKeyPattern);
      return { body: { watchId: await tools.openWatch(params.exchange ?? '', routingKeyPattern) } };
    },
    readWatch: async ({ params, gone }) => {
      const { exchange = '', watchId = '' } = params;
      const { messages, isIncomplete } = await tools.readWatch(
        { exchange, id: watchId },
        AbortSignal.any([gone, ending]),
      );
      return { body: { messages: messages.map(shown), isIncomplete } };
    },
    closeWatch: async ({ params }) => {
      const { exchange = '', watchId = '' } = params;
      await tools.closeWatch({ exchange, id: watchId });
      return { noContent: true };
    },
  });

const requireKey = (what: string, key: string) => {
  const whyNot = whyNoName(key);
  if (whyNot !== undefined) throw new ApiError('InputError', `The ${what} ${whyNot}.`);
};

const shown = ({ accepted, ...message }: WatchedMessage) => ({
  ...message,
  ...(accepted !== undefined && { accepted: toIso(accepted) }),
});
