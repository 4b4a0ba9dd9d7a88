// What stands before a server and ends TLS for it.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Cleanup } from './database.ts';

export type Certificate = { readonly key: string; readonly cert: string };

/**
 * Resolves with its port. With `setsHost` the target sees its own Host, as most proxies do unless
 * told otherwise; else the caller's.
 */
export const startTlsProxy = async (
  cleanup: Cleanup,
  certificate: Certificate,
  target: string,
  { setsHost }: { readonly setsHost: boolean },
): Promise<number> => {
  const { hostname, port, host } = new URL(target);
  const proxy = https.createServer(certificate, (request, response) => {
    const { method, url: path, headers } = request;
    const passedOn = setsHost ? { ...headers, host } : headers;
    const onward = http.request({ hostname, port, method, path, headers: passedOn }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  cleanup.after(async () => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return (proxy.address() as AddressInfo).port;
};
