// What describes the APIs, for everybody to read: references, schemas, OpenAPI.
import type { FastifyInstance } from 'fastify';
import type { ApiDeclaration } from '../api-method.ts';
import { jsonText, sendJsonText } from '../send-json.ts';
import { describeApis } from './references.ts';

/**
 * They change with the version of the program only; who asks again after this finds out by the
 * ETag.
 */
const CACHEABLE = 'public, max-age=300';

export const serveReferences = (
  server: FastifyInstance,
  apis: readonly ApiDeclaration[],
  rootUrl: () => string,
): void => {
  let texts: ReadonlyMap<string, string> | undefined;
  /**
   * At first use: by then it is known where clients reach the server, and a start does not wait for
   * it.
   */
  const known = (): ReadonlyMap<string, string> => {
    texts ??= new Map([...describeApis(apis, rootUrl())].map(([path, document]) => [path, jsonText(document)]));
    return texts;
  };
  for (const folder of ['/references', '/schemas']) {
    server.get(`${folder}/*`, (request, reply) => {
      const text = known().get(`${folder}/${(request.params as { '*': string })['*']}`);
      if (text === undefined) return reply.callNotFound();
      return sendJsonText(reply.header('cache-control', CACHEABLE), 200, text);
    });
  }
};
