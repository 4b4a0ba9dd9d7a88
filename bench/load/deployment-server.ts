// A stand-in for the Auth and the queue of a Taskcluster deployment, as cheap as Node makes it: it
// reads each request, believes every signature, and keeps nothing of a task but its id. What a real
// deployment would refuse is the tests' affair; here it only must not be what limits the rate. A
// process of its own, started by load-process.ts.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, toIso } from '../../src/core/clock.ts';

/** What it tells when it is asked by a message. */
export type DeploymentCounts = {
  readonly questions: number;
  /** Different ones. */
  readonly tasks: number;
  /** The text of the last task that was created. */
  readonly lastTask: string;
};

const HOUR_MS = 60 * 60 * 1000;
/** As a client of a project has them, expanded. */
const SCOPES = [
  ...Array.from({ length: 40 }, (_, index) => `queue:create-task:low:proj-bench-${index}/*`),
  ...Array.from({ length: 19 }, (_, index) => `secrets:get:project/bench/${index}`),
  'hooks:*',
  'assume:hook-id:*',
].toSorted();
const expires = toIso(systemClock.now() + 1_000 * HOUR_MS);

const taskIds = new Set<string>();
let questions = 0;
let lastTask = '';

const verdictOf = (question: { readonly authorization?: string }): object => {
  const clientId = /\bid="([^"]*)"/.exec(question.authorization ?? '')?.[1];
  if (clientId === undefined) return { status: 'no-auth', scheme: 'none', scopes: [], expires };
  return { status: 'auth-success', scheme: 'hawk', clientId, scopes: SCOPES, expires };
};

const answerTo = (method: string | undefined, url: string, text: string): object | undefined => {
  if (method === 'POST' && url === '/api/auth/v1/authenticate-hawk') {
    questions += 1;
    return verdictOf(JSON.parse(text));
  }
  const taskId = /^\/api\/queue\/v1\/task\/([\w-]{22})$/.exec(url)?.[1];
  if (method === 'PUT' && taskId !== undefined) {
    const { taskQueueId, deadline, expires: until } = JSON.parse(text);
    taskIds.add(taskId);
    lastTask = text;
    return { status: { taskId, taskQueueId, deadline, expires: until, retriesLeft: 5, state: 'pending', runs: [] } };
  }
  return url === '/api/queue/v1/ping' ? { alive: true, uptime: 1 } : undefined;
};

const respond = (request: IncomingMessage, response: ServerResponse): void => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const [first] = chunks;
    const bytes = first && chunks.length === 1 ? first : Buffer.concat(chunks);
    const answer = answerTo(request.method, request.url ?? '', bytes.toString());
    const body = JSON.stringify(answer ?? { code: 'ResourceNotFound', message: 'the stand-in has no such method' });
    const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) };
    response.writeHead(answer ? 200 : 404, headers).end(body);
  });
};

const server = createServer(respond);
server.keepAliveTimeout = HOUR_MS; // a connection that rests between two rounds is not closed
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
process.on('message', () => {
  process.send?.({ questions, tasks: taskIds.size, lastTask } satisfies DeploymentCounts);
});
process.once('disconnect', () => process.exit());
