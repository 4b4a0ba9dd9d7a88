// A server that answers what the test says, one answer after another, and remembers what it was
// asked.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cleanup } from '../support/database.ts';

export type Asked = {
  readonly verb: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
};

export type Answer =
  | {
      readonly status: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly headers?: http.OutgoingHttpHeaders;
    }
  /** The connection breaks before an answer, or in the middle of one. */
  | 'break'
  | 'break in the middle'
  /** The answer begins, and never ends. */
  | 'begin'
  | 'never';

export type FakeServer = {
  readonly url: string;
  readonly asked: Asked[];
  /** Resolves when as many requests have come in. */
  readonly wasAsked: (times: number) => Promise<void>;
};

/** The last answer is given to all requests that follow. */
export const startFakeServer = async (t: Cleanup, ...answers: readonly Answer[]): Promise<FakeServer> => {
  const asked: Asked[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method: verb = '', url = '', headers } = request;
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? 'never';
    asked.push({ verb, url, headers, body: Buffer.concat(chunks).toString() });
    server.emit('asked');
    give(answer, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    server.closeAllConnections();
  });
  const wasAsked = async (times: number) => {
    while (asked.length < times) await once(server, 'asked');
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, wasAsked };
};

const give = (answer: Answer, response: http.ServerResponse): void => {
  if (answer === 'never') return;
  if (answer === 'break') return void response.destroy();
  if (answer === 'break in the middle' || answer === 'begin') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
    response.write('{"half":', () => (answer === 'begin' ? undefined : response.destroy()));
    return;
  }
  const { status, json, text, headers } = answer;
  const type = json === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' };
  response.writeHead(status, { ...type, ...headers });
  response.end(json === undefined ? text : JSON.stringify(json));
};

/** The URL of a server that there was a moment ago: nobody listens. */
export const urlOfNobody = async (): Promise<string> => {
  const server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
};
