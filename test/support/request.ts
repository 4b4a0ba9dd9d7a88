// Raw HTTP requests, as bytes and paths that no client library would send, signed if wanted by the
// field's own `hawk`.
import http from 'node:http';
import hawk from 'hawk';

export type Reply = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the body of an answer is what the test says it is.
  readonly json: any;
};

export type RequestOptions = {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  /** Sends no body, and does not say that it has ended: for answers that come before it. */
  readonly withoutEnd?: boolean;
  /** The beginning of a body whose rest does not come. */
  readonly beginning?: string;
  /** Signs the request with them. */
  readonly credentials?: { readonly clientId: string; readonly accessToken: string };
  /** The URL that the signature is for, where that is not the one that is called. */
  readonly signedUrl?: string;
  /** Hawk's `ext`. */
  readonly ext?: string;
  readonly agent?: http.Agent;
};

export const authorization = (url: string, method: string, { credentials, ext }: RequestOptions): string => {
  if (!credentials) throw new Error('nobody signs');
  const { clientId: id, accessToken: key } = credentials;
  const options = { credentials: { id, key, algorithm: 'sha256' as const }, ...(ext !== undefined && { ext }) };
  return hawk.client.header(url, method, options).header;
};

/** The path goes over the wire as it stands here. */
export const send = (url: string, path: string, options: RequestOptions = {}): Promise<Reply> => {
  const { method = 'GET', headers = {}, body, credentials, signedUrl = `${url}${path}`, agent, beginning } = options;
  const isOpen = options.withoutEnd || beginning !== undefined;
  const { hostname, port } = new URL(url);
  const signature = credentials && { authorization: authorization(signedUrl, method, options) };
  // Of a GET, Node would send the body without saying that there is one.
  const length = body !== undefined && { 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const request = http.request(
      { hostname, port, path, method, agent, headers: { ...signature, ...length, ...headers } },
      async (response) => {
        try {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk as Buffer);
          const text = Buffer.concat(chunks).toString();
          const json =
            /json/.test(response.headers['content-type'] ?? '') && text !== '' ? JSON.parse(text) : undefined;
          if (isOpen) request.destroy();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
        } catch (error) {
          reject(error);
        }
      },
    );
    request.on('error', reject);
    if (beginning !== undefined) request.write(beginning);
    else if (isOpen) request.flushHeaders();
    else request.end(body);
  });
};
