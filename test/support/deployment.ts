// A stand-in for a Taskcluster deployment, over HTTP: auth.authenticateHawk, the queue as far as
// hooks need it, notify.email. What it takes is measured by the API reference of the npm package
// taskcluster-client; a request that the real deployment would not know is a violation, and fails
// the test. It shares no code with src/.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import hawk from 'hawk';
import scopeLib from 'taskcluster-lib-scopes';
import type { Cleanup } from './database.ts';
import { createAuthority, type StandInClient, type Verdict } from './deployment/authority.ts';
import { type Answer, createStandInQueue, refuse, type StandInTask } from './deployment/queue.ts';
import { findEntry } from './deployment/reference.ts';
import { checkBody } from './deployment/schemas.ts';
import { freePort } from './free-ports.ts';

/** A request that reached the deployment. */
export type Received = {
  readonly service: string;
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: the test knows what it looks for.
  readonly body: any;
  /** undefined: nobody signed, or not well. */
  readonly clientId: string | undefined;
  readonly authorizedScopes: readonly string[] | undefined;
  /** What was answered; undefined: nothing, or nothing yet. */
  status: number | undefined;
};

export type Fault =
  /**
   * Refuses without doing anything: 500, 503, 429, 401... With the error envelope of Taskcluster,
   * or with HTML as proxies have it.
   */
  | { readonly kind: 'status'; readonly status: number; readonly code?: string; readonly html?: true }
  /** Neither does anything nor answers. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'cut' }
  /** Does what it was asked for, and then does not answer, or cuts the connection. */
  | { readonly kind: 'hang-after' }
  | { readonly kind: 'cut-after' }
  /** Answers 200 with what is no answer. */
  | { readonly kind: 'answer'; readonly text: string };

export type StandInDeployment = {
  /** Without a slash at its end. */
  readonly rootUrl: string;
  readonly clients: Map<string, StandInClient>;
  readonly roles: Map<string, readonly string[]>;
  readonly tasks: ReadonlyMap<string, StandInTask>;
  readonly mails: readonly { readonly address: string; readonly subject: string; readonly content: string }[];
  readonly received: readonly Received[];
  /** What the real deployment would not have known. Looked at after the test. */
  readonly violations: string[];
  /** The requests that one method got. */
  readonly calls: (method: string) => readonly Received[];
  /**
   * From now on, of a method (`queue.createTask`), a service (`queue`) or all (`*`). Without a
   * fault: as usual. At most `times`, then as usual.
   */
  readonly fail: (what: string, fault?: Fault, times?: number) => void;
  /**
   * Those who wait for an answer because of `hang` or `hang-after` wait no longer: their
   * connections are cut.
   */
  readonly cutHanging: () => void;
  /** From now on the queue's clock is ahead of the deployment's by so much. */
  readonly queueIsAhead: (ms: number) => void;
  /** How many connections were made so far. */
  readonly connections: () => number;
  /** Where `/api/hooks` is passed on to, as the proxy of a deployment does it. */
  hooksUrl: string | undefined;
  /** Closes the port: connections are refused. */
  readonly goAway: () => Promise<void>;
  /** The same port again, and all that was stored. */
  readonly comeBack: () => Promise<void>;
  readonly environment: (clientId: string) => NodeJS.ProcessEnv;
};

export type StandInOptions = {
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly port?: number;
};

/**
 * @example const deployment = await startDeployment(t); deployment.clients.set('hooks', {
 * accessToken, scopes: ['assume:hook-id:*'] });
 */
export const startDeployment = async (t: Cleanup, options: StandInOptions = {}): Promise<StandInDeployment> => {
  const { now = () => Date.now() } = options;
  const authority = createAuthority(now);
  let ahead = 0;
  const queue = createStandInQueue(() => now() + ahead);
  const mails: { address: string; subject: string; content: string }[] = [];
  const received: Received[] = [];
  const violations: string[] = [];
  const faults = new Map<string, { readonly fault: Fault; times: number }>();
  const sockets = new Set<Socket>();
  const hanging = new Set<Socket>();
  let connections = 0;

  const takeFault = (service: string, name: string): Fault | undefined => {
    for (const key of [`${service}.${name}`, service, '*']) {
      const found = faults.get(key);
      if (!found) continue;
      found.times -= 1;
      if (found.times <= 0) faults.delete(key);
      return found.fault;
    }
    return undefined;
  };

  const violate = (what: string): Answer => {
    violations.push(what);
    return refuse(400, 'InputValidationError', what);
  };

  /** What is wrong with the request, measured by taskcluster-client's reference. */
  const problemOf = (request: Incoming): string | undefined => {
    const { entry, body, url, contentType } = request;
    const unknown = [...url.searchParams.keys()].find((key) => key !== 'bewit' && !entry.query.includes(key));
    const at = `${entry.service}.${entry.name}`;
    if (unknown !== undefined) return `${at} has no query ${unknown}`;
    if (entry.input === undefined) return body === undefined ? undefined : `${at} takes no body`;
    if (!/^application\/json\b/.test(contentType ?? '')) return `${at}: the content-type is ${contentType}`;
    if (typeof body !== 'object' || body === null) return `${at}: the body is no JSON object`;
    const wrong = checkBody(entry.service, entry.input, body);
    return wrong && `${at}: ${wrong}`;
  };

  const perform = async (request: Incoming, verdict: Verdict): Promise<Answer> => {
    const { entry, params, body } = request;
    if (entry.service === 'auth' && entry.name === 'authenticateHawk') {
      return { status: 200, body: await authority.verify({ authorization: undefined, ...body }) };
    }
    if (entry.name === 'ping') return { status: 200, body: { alive: true, uptime: 1 } };
    if (verdict.status === 'auth-failed') return refuse(401, 'AuthenticationFailed', verdict.message);
    if (entry.service === 'auth' && entry.name === 'expandScopes') {
      const scope = 'auth:expand-scopes';
      if (!scopeLib.satisfiesExpression(verdict.scopes, scope)) return refuse(403, 'InsufficientScopes', scope);
      return { status: 200, body: { scopes: authority.expand(body.scopes) } };
    }
    if (entry.service === 'queue') {
      return queue.handle(
        entry.name,
        { params, query: request.url.searchParams, body },
        { scopes: verdict.scopes, authorizedScopes: request.restriction },
      );
    }
    if (entry.service === 'notify' && entry.name === 'email') {
      const scope = `notify:email:${body.address}`;
      if (!scopeLib.satisfiesExpression(verdict.scopes, scope)) return refuse(403, 'InsufficientScopes', scope);
      if (body.address.startsWith('denied')) return refuse(400, 'InputError', `Email ${body.address} is denylisted`);
      mails.push(body);
      return { status: 200, body: {} };
    }
    return violate(`the stand-in has no ${entry.service}.${entry.name}`);
  };

  const respond = async (raw: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const url = new URL(raw.url ?? '/', 'http://stand-in');
    if (deployment.hooksUrl !== undefined && url.pathname.startsWith('/api/hooks/')) {
      return passOn(raw, response, deployment.hooksUrl);
    }
    const bytes = await readAll(raw);
    const found = findEntry(raw.method ?? '', url.pathname);
    if (!found) {
      violations.push(`no service knows ${raw.method} ${url.pathname}`);
      return sendJson(response, { status: 404, body: { error: 'Not found' } });
    }
    const { entry, params } = found;
    const contentType = raw.headers['content-type'];
    const { authorization } = raw.headers;
    const restriction = restrictionIn(authorization);
    const request = { entry, params, body: parse(bytes), url, contentType, restriction };
    const problem = problemOf(request);
    const verdict = await verifyDirect(raw, bytes);
    const record: Received = {
      ...{ service: entry.service, name: entry.name, params, body: request.body },
      clientId: verdict.status === 'auth-success' ? verdict.clientId : undefined,
      authorizedScopes: restriction,
      status: undefined,
    };
    received.push(record);
    const fault = takeFault(entry.service, entry.name);
    if (fault?.kind === 'hang') return void hanging.add(raw.socket);
    if (fault?.kind === 'cut') return void raw.socket.destroy();
    const answer = fault?.kind === 'status' ? faultAnswer(fault) : undefined;
    if (fault?.kind === 'status' && fault.html) {
      record.status = fault.status;
      response.writeHead(fault.status, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>');
      return;
    }
    const said = answer ?? (problem ? violate(problem) : await perform(request, verdict));
    if (fault?.kind === 'hang-after') return void hanging.add(raw.socket);
    if (fault?.kind === 'cut-after') return void raw.socket.destroy();
    record.status = said.status;
    if (fault?.kind === 'answer') response.writeHead(200, { 'content-type': 'application/json' }).end(fault.text);
    else sendJson(response, said);
  };

  /** A service checks who signed as Auth does, and the payload hash besides. */
  const verifyDirect = async (raw: http.IncomingMessage, bytes: Buffer): Promise<Verdict> => {
    const [host = '', port = '80'] = (raw.headers.host ?? '').split(':');
    const method = (raw.method ?? '').toLowerCase();
    const { authorization } = raw.headers;
    const verdict = await authority.verify({
      method,
      resource: raw.url ?? '',
      host,
      port: Number(port),
      authorization,
    });
    if (verdict.status !== 'auth-success' || verdict.hash === undefined) return verdict;
    const hash = hawk.crypto.calculatePayloadHash(bytes, 'sha256', raw.headers['content-type']);
    return hash === verdict.hash ? verdict : { status: 'auth-failed', message: 'Invalid payload hash' };
  };

  const server = http.createServer((raw, response) => {
    respond(raw, response).catch((error: unknown) => {
      violations.push(`the stand-in failed: ${(error as Error).stack}`);
      response.destroy();
    });
  });
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      hanging.delete(socket);
    });
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const goAway = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const port = await listen(options.port ?? (await freePort()));
  const rootUrl = `http://127.0.0.1:${port}`;
  t.after(async () => {
    await goAway();
    assert.deepEqual(violations, [], 'requests that the deployment does not know');
  });

  const deployment: StandInDeployment = {
    ...{ rootUrl, clients: authority.clients, roles: authority.roles, tasks: queue.tasks, mails, received, violations },
    calls: (method) => received.filter(({ service, name }) => `${service}.${name}` === method),
    fail: (what, fault, times = Number.POSITIVE_INFINITY) => {
      if (fault) faults.set(what, { fault, times });
      else faults.delete(what);
    },
    cutHanging: () => {
      for (const socket of hanging) socket.destroy();
    },
    queueIsAhead: (ms) => {
      ahead = ms;
    },
    connections: () => connections,
    hooksUrl: undefined,
    goAway,
    comeBack: async () => void (await listen(port)),
    environment: (clientId) => ({
      HOOKWRIGHT_MODE: 'taskcluster',
      TASKCLUSTER_ROOT_URL: rootUrl,
      TASKCLUSTER_CLIENT_ID: clientId,
      TASKCLUSTER_ACCESS_TOKEN: authority.clients.get(clientId)?.accessToken,
    }),
  };
  return deployment;
};

type Incoming = NonNullable<ReturnType<typeof findEntry>> & {
  // biome-ignore lint/suspicious/noExplicitAny: its schema looks at it.
  readonly body: any;
  readonly url: URL;
  readonly contentType: string | undefined;
  readonly restriction: readonly string[] | undefined;
};

const readAll = async (stream: http.IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** undefined: there is none. A text: it is no JSON. */
const parse = (bytes: Buffer): unknown => {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return bytes.toString();
  }
};

const restrictionIn = (authorization: string | undefined): readonly string[] | undefined => {
  const ext = /[ ,]ext="([^"]*)"/.exec(authorization ?? '')?.[1];
  if (!ext) return undefined;
  return (JSON.parse(Buffer.from(ext, 'base64').toString()) as { authorizedScopes?: string[] }).authorizedScopes;
};

const faultAnswer = ({ status, code }: Extract<Fault, { kind: 'status' }>): Answer =>
  refuse(status, code ?? (status === 429 ? 'TooManyRequests' : 'InternalServerError'), 'the test has it so');

const sendJson = (response: http.ServerResponse, { status, body }: Answer): void => {
  if (body === undefined) return void response.writeHead(status).end();
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
};

/** As a proxy that keeps the Host header. */
const passOn = (raw: http.IncomingMessage, response: http.ServerResponse, target: string): void => {
  const { hostname, port } = new URL(target);
  const { method, url: path, headers } = raw;
  const onward = http.request({ hostname, port, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  raw.pipe(onward);
};
