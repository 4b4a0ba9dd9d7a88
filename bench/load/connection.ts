// One keep-alive connection of the load, as cheap as Node makes them.
import { connect } from 'node:net';
import { describeError } from '../../src/core/errors.ts';

export type Connection = {
  readonly write: (bytes: Uint8Array) => void;
  readonly close: () => void;
  /** Called with what has come, read as latin1. */
  onText: (text: string) => void;
  /** Called when the other side ends the connection; perhaps twice. */
  onEnd: (reason: string) => void;
};

const READ_BUFFER_BYTES = 16 * 1024;

export const openConnection = (to: { host: string; port: number }): Promise<Connection> =>
  new Promise((resolve, reject) => {
    // One buffer that is read into again and again, instead of a stream of new ones.
    const onread = {
      buffer: Buffer.allocUnsafe(READ_BUFFER_BYTES),
      callback: (length: number, buffer: Uint8Array) => {
        connection.onText((buffer as Buffer).toString('latin1', 0, length));
        return true;
      },
    };
    const socket = connect({ ...to, noDelay: true, onread });
    const connection: Connection = {
      write: (bytes) => socket.write(bytes),
      close: () => socket.destroy(),
      onText: () => {},
      onEnd: () => {},
    };
    socket.once('connect', () => resolve(connection));
    socket.on('error', (error) => {
      reject(error);
      connection.onEnd(describeError(error));
    });
    socket.on('close', () => connection.onEnd('the connection was closed before the answer was complete'));
  });
