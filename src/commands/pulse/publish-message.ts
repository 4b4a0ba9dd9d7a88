// `hookwright messages publish` and `hookwright pulse publish`: a message for the broker of the
// server.
import type { Call, Run } from '../cli/command.ts';
import { readPayload } from '../cli/input/payload.ts';
import { requireId } from '../cli/input/require-id.ts';

export const publishMessage: Run = (call) => publish(call, call.text('routing-key') ?? '');

export const pulsePublish: Run = (call) => publish(call, call.argument('KEY'));

const publish = async (call: Call, routingKey: string): Promise<number> => {
  const exchange = requireId('EXCHANGE', call.argument('EXCHANGE'));
  const payload = await readPayload(call);
  const { broker } = await call.connect();
  const answer = await broker.publish(exchange, payload, {
    // A query says nothing with an empty value, and a message without a key has an empty one.
    ...(routingKey !== '' && { routingKey }),
    ...(call.has('declare') && { declare: 'true' }),
  });
  call.output.answer(answer, () => `Published the message ${answer.messageId}.`);
  if (!answer.wasRouted) call.output.remark('Nobody is bound to it: no queue got it.');
  return 0;
};
