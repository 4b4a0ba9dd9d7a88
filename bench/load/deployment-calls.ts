// What a trigger costs a deployment at least, as requests for the load: a question about a
// signature, and the creation of a task.
import type { SignedRequests } from './sign-requests.ts';

export type DeploymentCalls = {
  readonly host: string;
  readonly port: number;
  /** The task to create, as JSON in ASCII. */
  readonly task: string;
};

/** They are sent again and again: nobody looks whether a signature or a task was there before. */
const CALLS = 1_000;

/** One of either kind after the other, all of one length: the shorter ones have a header more. */
export const deploymentCalls = ({ host, port, task }: DeploymentCalls): SignedRequests => {
  const question = JSON.stringify({
    ...{ method: 'post', resource: '/api/hooks/v1/hooks/bench/decision/trigger', host, port },
    authorization: `Hawk id="root", ts="1700000000", nonce="a1b2c3d400000", mac="${'m'.repeat(43)}="`,
  });
  const write = (line: string, body: string, pad: number) =>
    `${line} HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Type: application/json\r\nX-Pad: ${'x'.repeat(pad)}\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`;
  const idOf = (index: number) => `${index.toString(36).padStart(21, 'b')}A`;
  const ask = (pad: number) => write('POST /api/auth/v1/authenticate-hawk', question, pad);
  const create = (index: number, pad: number) => write(`PUT /api/queue/v1/task/${idOf(index)}`, task, pad);
  const length = Math.max(ask(0).length, create(0, 0).length);
  const askPad = length - ask(0).length;
  const createPad = length - create(0, 0).length;
  const bytes = Buffer.allocUnsafe(length * CALLS);
  for (let index = 0; index < CALLS; index++) {
    bytes.write(index % 2 === 0 ? ask(askPad) : create(index, createPad), index * length, 'latin1');
  }
  return { bytes, length };
};
