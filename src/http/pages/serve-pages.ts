// What a browser finds: a page that says what this is, and the documentation of this version.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { VERSION } from '../../version.ts';
import { findDocuments, readDocument } from './document-files.ts';
import { htmlPage, STYLE_PATH } from './html-page.ts';
import { escapeHtml, renderDocument } from './render-document.ts';
import { STYLE } from './style.ts';

/** They change with the version of the program only. */
const CACHEABLE = 'public, max-age=300';
/** Neither scripts nor anything from elsewhere. */
const POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HOME = `
<h1>Hookwright</h1>
<p>A hooks server: something happens, and the hook that was written for it runs. This is version ${escapeHtml(VERSION)}.
Programs talk to it under <code>/api</code>; people use the command line, <code>hookwright</code>.</p>
<ul>
<li><a href="/docs/tour">The tour</a>: five minutes from the start to a schedule that fires.</li>
<li><a href="/docs">The documentation</a> of this version.</li>
<li>The API: <a href="/docs/api">how to call it</a>, as <a href="/references/openapi.json">OpenAPI</a>, and
<a href="/references/manifest.json">the references</a> that Taskcluster clients read.</li>
<li>Whether it works: <a href="/readyz">/readyz</a>, <a href="/metrics">/metrics</a>.</li>
</ul>
`;

export const servePages = (server: FastifyInstance): void => {
  const documents = findDocuments();
  const files = new Map([...documents].map(([file, url]) => [url, file]));
  const cache = new Map<string, string>();
  /** Made at first use. */
  const cached = (path: string, make: () => string): string => {
    const known = cache.get(path) ?? make();
    cache.set(path, known);
    return known;
  };

  const renderFile = (file: string): string => {
    const text = readDocument(file);
    return page(titleOf(text) ?? file, renderDocument(text, { file, documents }));
  };
  const renderIndex = (): string => {
    const items = [...documents]
      .filter(([file]) => file.endsWith('.md'))
      .map(([file, url]) => {
        const title = file.startsWith('examples/')
          ? file.replace('/README.md', '')
          : (titleOf(readDocument(file)) ?? file);
        return `<li><a href="${escapeHtml(url)}">${escapeHtml(title)}</a></li>`;
      });
    return page('Documentation', `<h1>Documentation</h1>\n<ul>\n${items.join('\n')}\n</ul>`);
  };

  server.get('/', (_request, reply) =>
    sendPage(
      reply,
      cached('/', () => page('Hookwright', HOME)),
    ),
  );
  server.get('/docs', (_request, reply) => sendPage(reply, cached('/docs', renderIndex)));
  server.get(STYLE_PATH, (_request, reply) => sendText(reply, 'text/css', STYLE));
  server.get('/docs/*', (request, reply) => {
    const path = `/docs/${(request.params as { '*': string })['*'].replace(/\.md$/, '')}`;
    const file = files.get(path);
    if (file === undefined) return reply.callNotFound();
    if (!file.endsWith('.md'))
      return sendText(
        reply,
        'text/plain',
        cached(path, () => readDocument(file)),
      );
    return sendPage(
      reply,
      cached(path, () => renderFile(file)),
    );
  });
};

const titleOf = (markdown: string): string | undefined => /^# (.+)$/m.exec(markdown)?.[1];

const NAVIGATION = '<nav><a href="/">Hookwright</a> <a href="/docs">Documentation</a></nav>\n';

const page = (title: string, content: string): string => htmlPage(title, content, NAVIGATION);

const sendText = (reply: FastifyReply, type: string, text: string): FastifyReply =>
  reply
    .headers({ 'cache-control': CACHEABLE, 'content-security-policy': POLICY })
    .type(`${type}; charset=utf-8`)
    .send(text);

const sendPage = (reply: FastifyReply, text: string): FastifyReply => sendText(reply, 'text/html', text);
