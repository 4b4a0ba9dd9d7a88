// The client of the server's broker, whether that is RabbitMQ or not: publishing and watching.
import { BROKER_SERVICE, type BrokerMethods } from './broker-api.ts';
import { createClientClass } from './create-client-class.ts';

/**
 * @example
 * const broker = new Broker({ rootUrl: 'http://127.0.0.1:8080', credentials: { clientId,
 * accessToken } });
 * await broker.publish('exchange/my-service/v1/finished', { ok: true }, { routingKey: 'build.linux'
 * });
 */
export class Broker extends createClientClass<BrokerMethods>(BROKER_SERVICE) {}
