import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { ChannelModel } from 'amqplib';
import { WITHOUT_RABBITMQ } from '../../../../test/support/rabbitmq.ts';
import { eventually } from '../../../../test/support/wait.ts';
import { createAmqpWorld } from '../../test-support/amqp-world.ts';

const shortString = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
const number = (value: number, bytes: number) => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, bytes - Math.min(bytes, 6), Math.min(bytes, 6));
  return buffer;
};
const frame = (type: number, channel: number, payload: Buffer) =>
  Buffer.concat([number(type, 1), number(channel, 2), number(payload.length, 4), payload, number(0xce, 1)]);

/** A table in a table in a table. */
const nestedHeaders = (depth: number): Buffer => {
  const levels: Buffer[] = [];
  let bytes = 2; // an empty name and nothing
  for (let level = 0; level < depth; level += 1) {
    levels.unshift(Buffer.concat([shortString(''), Buffer.from('F'), number(bytes, 4)]));
    bytes += 6;
  }
  return Buffer.concat([number(bytes, 4), ...levels, shortString(''), Buffer.from('V')]);
};

/** Byte by byte: the library can write such headers no better than it can read them. */
const publishNested = async (rabbitmq: ChannelModel, exchange: string, depth: number, body: string) => {
  const channel = await rabbitmq.createConfirmChannel();
  const { ch } = channel as unknown as { readonly ch: number };
  const { stream } = rabbitmq.connection as unknown as { readonly stream: Socket };
  const method = [number(60, 2), number(40, 2), number(0, 2), shortString(exchange), shortString('key'), number(0, 1)];
  const [type, id] = [shortString('application/json'), shortString(body)];
  const properties = [number(0x8000 | 0x2000 | 0x0080, 2), type, nestedHeaders(depth), id];
  const header = [number(60, 2), number(0, 2), number(body.length, 8), ...properties];
  stream.write(frame(1, ch, Buffer.concat(method)));
  stream.write(frame(2, ch, Buffer.concat(header)));
  stream.write(frame(3, ch, Buffer.from(body)));
};

describe('a message whose headers are nested', { skip: WITHOUT_RABBITMQ }, () => {
  for (const depth of [100, 4_000, 20_000]) {
    it(`${depth} levels deep comes, and holds up none behind it`, async (t) => {
      const { queue, start, bind, publish, rabbitmq, exchange } = await createAmqpWorld(t);
      const read: string[] = [];
      const { broker } = await start(async (deliveries) => {
        for (const { body, messageId } of deliveries) read.push(`${body} ${messageId}`);
      });
      const hook = queue('one');
      await bind(hook, '#');
      await eventually('it is bound', async () =>
        (await broker.bindingStates(hook.id)).every(({ state }) => state === 'active'),
      );
      await publishNested(rabbitmq, exchange, depth, '"deep"');
      await eventually('it came', () => read.length === 1);
      await publish('key', 'after', { messageId: 'id' });
      await eventually('both came', () => read.length === 2);
      assert.deepEqual(read, ['"deep" "deep"', '"after" id']);
    });
  }
});
