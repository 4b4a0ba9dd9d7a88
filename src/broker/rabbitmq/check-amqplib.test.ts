import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { type AmqplibInternals, checkAmqplib, loadInternals } from './check-amqplib.ts';

declare class Inner {
  constructor(stream: Duplex);
  stream: Duplex | undefined;
  rest: Buffer;
  recvFrame: () => unknown;
  accept: (frame: unknown) => void;
  emit: (event: string, error: unknown) => void;
  acceptLoop(): void;
}

const library = loadInternals();
const Connection = library.Connection as unknown as typeof Inner;

/** The installed library with another class for its connections. */
const withConnection = (changed: typeof Inner): AmqplibInternals => ({
  ...library,
  version: '99.0.0',
  Connection: changed as unknown as AmqplibInternals['Connection'],
});

const CHANGED: Readonly<Record<string, AmqplibInternals>> = {
  'keeps its stream under another name': withConnection(
    class extends Connection {
      constructor(stream: Duplex) {
        super(stream);
        this.stream = undefined;
      }
    },
  ),
  'has no recvFrame': withConnection(
    class extends Connection {
      override recvFrame = undefined as unknown as () => unknown;
    },
  ),
  'decodes frames with a method of its own': withConnection(
    class extends Connection {
      override acceptLoop() {
        const decode = Connection.prototype.recvFrame.bind({
          rest: this.rest,
          stream: this.stream,
          recvFrame: () => false,
        });
        this.stream?.on('readable', () => {
          try {
            for (let frame = decode(); frame; frame = decode()) this.accept(frame);
          } catch (error) {
            this.emit('frameError', error);
          }
        });
      }
    },
  ),
  'takes what arrives as data events': withConnection(
    class extends Connection {
      override acceptLoop() {
        const { stream } = this;
        this.stream = undefined;
        stream?.on('data', () => this.accept({}));
      }
    },
  ),
  'reads what has arrived by an iterator': withConnection(
    class extends Connection {
      override acceptLoop() {
        const { stream } = this;
        const read = Object.getPrototypeOf(stream).read.bind(stream);
        stream?.on('readable', () => {
          while (read() !== null) this.accept({});
        });
      }
    },
  ),
  'has no connection in its model': {
    ...library,
    version: '99.0.0',
    ChannelModel: class {} as unknown as AmqplibInternals['ChannelModel'],
  },
};

describe('the installed amqplib', () => {
  it('works as Hookwright relies on', () => {
    checkAmqplib();
  });
});

describe('an amqplib', () => {
  for (const [change, changed] of Object.entries(CHANGED)) {
    it(`that ${change} is an error that names its version`, () => {
      assert.throws(
        () => checkAmqplib(changed),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'HW_AMQP_LIBRARY');
          assert.match(error.message, /amqplib 99\.0\.0 does not work as Hookwright needs it: .+\. Install/);
          return true;
        },
      );
    });
  }
});
