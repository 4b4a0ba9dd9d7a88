// `hookwright messages publish`: a message for the broker that the server has of its own.
import type { Run } from './command.ts';
import { readPayload } from './payload.ts';
import { requireId } from './require-id.ts';

export const publishMessage: Run = async (call) => {
  const exchange = requireId('EXCHANGE', call.argument('EXCHANGE'));
  const payload = await readPayload(call);
  const { broker } = await call.connect();
  const routingKey = call.text('routing-key');
  // A query says nothing with an empty value, and a message without a key has an empty one.
  const query = routingKey === undefined || routingKey === '' ? {} : { routingKey };
  const answer = await broker.publish(exchange, payload, query);
  call.output.answer(answer, () => `Published the message ${answer.messageId}.`);
  return 0;
};
