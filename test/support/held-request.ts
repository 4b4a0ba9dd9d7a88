// A request that the server has begun to receive and that does not end before the test says so.
import { once } from 'node:events';
import http from 'node:http';
import type { Cleanup } from './database.ts';
import { authorization } from './request.ts';
import type { RootCredentials } from './server.ts';

export type HeldRequest = {
  /** Sends the rest. Resolves with the status and the body of the answer. */
  readonly letGo: () => Promise<{ status: number; body: string }>;
  /** Resolves when the server has closed the connection without an answer. */
  readonly broken: Promise<void>;
};

/** Resolves when the server has the head of the request and waits for its body. */
export const holdRequest = async (
  t: Cleanup,
  { url, credentials }: { readonly url: string; readonly credentials: RootCredentials },
  path: string,
  body: string,
): Promise<HeldRequest> => {
  const signature = authorization(`${url}${path}`, 'POST', { credentials });
  const { hostname, port } = new URL(url);
  const request = http.request({
    hostname,
    port,
    path,
    method: 'POST',
    headers: {
      authorization: signature,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      expect: '100-continue', // the answer to which says that the server has taken the request on
    },
  });
  t.after(async () => {
    request.destroy();
  });
  const answer = once(request, 'response') as Promise<[http.IncomingMessage]>;
  answer.catch(() => {});
  const broken = answer.then(
    () => Promise.reject(new Error('it was answered')),
    () => {},
  );
  broken.catch(() => {});
  const taken = once(request, 'continue');
  request.flushHeaders();
  await taken;
  request.write(body.slice(0, 1));
  return {
    broken,
    letGo: async () => {
      request.end(body.slice(1));
      const [response] = await answer;
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
    },
  };
};
