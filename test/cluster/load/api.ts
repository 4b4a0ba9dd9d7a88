// Asking whichever member is there. An answer may be lost with its member: then nobody knows what
// became of the request.
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../../chaos/random.ts';
import type { Cleanup } from '../../support/database.ts';
import { type Reply, send } from '../../support/request.ts';
import type { Members } from '../system/members.ts';

export type Credentials = { readonly clientId: string; readonly accessToken: string };

export type Api = {
  /**
   * undefined: the connection broke, no answer came, or it was a 5xx. `onWire` is called when a
   * member is there and will be asked.
   */
  readonly ask: (request: ApiRequest, onWire?: () => void) => Promise<Reply | undefined>;
  /** Asks until there is an answer. */
  readonly insist: (request: ApiRequest, onWire?: () => void) => Promise<Reply>;
};

export type ApiRequest = {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** The URL is the credential. */
  readonly isUnsigned?: boolean;
};

/** Longer than a server lets a caller wait for a queue that does not answer. */
const LONGEST_WAIT_MS = 30_000;
const LONGEST_PAUSE_MS = 60;

export const createApi = (t: Cleanup, members: Members, credentials: () => Credentials, seed: number): Api => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
  t.after(async () => agent.destroy());
  const random = createRandom(seed);

  const ask: Api['ask'] = async ({ method, path, body, isUnsigned }, onWire) => {
    const url = await members.address(random);
    onWire?.();
    const patience = new AbortController();
    try {
      const reply = await Promise.race([
        send(url, path, {
          method,
          agent,
          ...(!isUnsigned && { credentials: credentials() }),
          ...(body !== undefined && {
            body: JSON.stringify(body),
            headers: { 'content-type': 'application/json' },
          }),
        }),
        sleep(LONGEST_WAIT_MS, undefined, { signal: patience.signal }),
      ]);
      return reply && reply.status < 500 ? reply : undefined;
    } catch {
      return undefined;
    } finally {
      patience.abort();
    }
  };
  const insist: Api['insist'] = async (request, onWire) => {
    for (;;) {
      const reply = await ask(request, onWire);
      if (reply) return reply;
      await sleep(random.between(5, LONGEST_PAUSE_MS));
    }
  };
  return { ask, insist };
};

export const hookPath = (hookId: string, more = ''): string =>
  `/api/hooks/v1/hooks/chaos/${encodeURIComponent(hookId)}${more}`;

/** Whether messages to the bindings of the hook find it. */
export const isBound = async (api: Api, hookId: string): Promise<boolean> => {
  const { status, text, json } = await api.insist({ method: 'GET', path: hookPath(hookId, '/status') });
  if (status !== 200) throw new Error(`the status of ${hookId} was answered ${status} ${text}`);
  const bindings: readonly { state: string }[] = json.bindings ?? [];
  return bindings.every(({ state }) => state === 'active');
};
