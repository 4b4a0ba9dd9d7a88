// Bounded reading and the tolerance of undecodable headers change undocumented parts of amqplib. A
// release that works in another way would switch both off without a word: memory would grow with
// the backlog, and one hostile message would stop all queues. So both are tried at the start, on a
// connection without a server.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Duplex } from 'node:stream';
import type { ChannelModel } from 'amqplib';
import { describeError, OperatorError } from '../../core/errors.ts';
import { partsOf } from './connection/amqplib-parts.ts';
import { receiveWithoutUnreadableHeaders } from './connection/lenient-headers.ts';
import { createReadGate } from './consuming/read-gate.ts';

type LibraryConnection = { accept: (frame: unknown) => unknown; readonly acceptLoop: () => void };

export type AmqplibInternals = {
  readonly version: string;
  readonly Connection: new (stream: Duplex) => LibraryConnection;
  readonly ChannelModel: new (connection: LibraryConnection) => ChannelModel;
};

/** Throws HW_AMQP_LIBRARY when the changes have no effect on this amqplib. Takes about 1 ms. */
export const checkAmqplib = (library: AmqplibInternals = loadInternals()): void => {
  const problem = findProblem(library);
  if (problem !== undefined) throw new OperatorError('HW_AMQP_LIBRARY', { version: library.version, problem });
};

/** By path, because the package exports its entry only. */
export const loadInternals = (): AmqplibInternals => {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve('amqplib'));
  const { version } = require(join(folder, 'package.json'));
  try {
    const { Connection } = require(join(folder, 'lib', 'connection.js'));
    const { ChannelModel } = require(join(folder, 'lib', 'channel_model.js'));
    return { version, Connection, ChannelModel };
  } catch (error) {
    throw new OperatorError('HW_AMQP_LIBRARY', { version, problem: describeError(error) }, error);
  }
};

const HEARTBEAT = Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xce]);

/** The header frame of an empty message whose only header has a type that does not exist. */
const undecodableHeader = (): Buffer => {
  const table = Buffer.from([0, 0, 0, 2, 0, '~'.charCodeAt(0)]); // bytes, an empty name, the type
  const head = [...[0, 60, 0, 0], ...Array<number>(8).fill(0), ...[0x20, 0]]; // class, size of the body, flags
  const payload = Buffer.from([...head, ...table]);
  return Buffer.concat([Buffer.from([2, 0, 1, 0, 0, 0, payload.length]), payload, Buffer.from([0xce])]);
};

const findProblem = ({ Connection, ChannelModel }: AmqplibInternals): string | undefined => {
  const wire = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
  try {
    const connection = new Connection(wire);
    const model = new ChannelModel(connection);
    receiveWithoutUnreadableHeaders(model);
    const gate = createReadGate(partsOf(model).stream);
    const frames: unknown[] = [];
    connection.accept = (frame) => frames.push(frame);
    const received = () => frames.length;
    connection.acceptLoop();
    const arrives = (bytes: Buffer) => {
      wire.push(bytes);
      wire.emit('readable');
    };

    arrives(undecodableHeader());
    if (received() !== 1) return 'a message with undecodable headers is not received without them';
    gate.close();
    arrives(HEARTBEAT);
    if (received() !== 1 || wire.readableLength !== HEARTBEAT.length) return 'reading cannot be paused';
    gate.sip();
    if (wire.readableLength !== HEARTBEAT.length - 1) return 'a single byte cannot be read';
    gate.open();
    if (received() !== 2) return 'paused reading cannot be resumed';
    return undefined;
  } catch (error) {
    return describeError(error);
  } finally {
    wire.destroy();
  }
};
