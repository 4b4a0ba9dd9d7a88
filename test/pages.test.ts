// What somebody finds who opens the server in a browser.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { renderDocument } from '../src/http/pages/render-document.ts';
import { send } from './support/request.ts';
import { newDataFolder, type Server, serve } from './support/server.ts';
import { lastFirst } from './support/wait.ts';

const cleanup = lastFirst({ after });
let server: Server;
before(async () => {
  server = await serve(cleanup, await newDataFolder(cleanup));
});
const get = (path: string) => send(server.url, path);
const linksIn = (html: string): string[] => [...html.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => href);

describe('a browser', () => {
  it('finds at / what this is, with links to the documentation, the references and the tour', async () => {
    const { status, headers, text } = await get('/');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    for (const link of ['/docs', '/docs/tour', '/references/manifest.json', '/references/openapi.json']) {
      assert.ok(linksIn(text).includes(link), link);
    }
  });

  it('finds every page of the documentation, and every link in it leads somewhere', async () => {
    const names = readdirSync(new URL('../docs', import.meta.url)).map((name) => name.replace(/\.md$/, ''));
    const seen = new Map<string, string>();
    const toSee = ['/', '/docs', ...names.map((name) => `/docs/${name}`)];
    for (let path = toSee.pop(); path !== undefined; path = toSee.pop()) {
      if (seen.has(path)) continue;
      const { status, text, headers } = await get(path);
      assert.equal(status, 200, path);
      seen.set(path, text);
      if (!/html/.test(headers['content-type'] ?? '')) continue;
      toSee.push(...linksIn(text).flatMap((href) => (href.startsWith('/') ? (href.split('#')[0] ?? []) : [])));
    }
    for (const name of names) assert.ok(seen.get('/docs')?.includes(`href="/docs/${name}"`), name);
    assert.ok(seen.has('/docs/examples/hooks/README'), 'the examples are there');
    assert.match(seen.get('/docs/tour') ?? '', /<pre><code class="language-sh">npm start/);
    for (const [path, text] of seen) {
      for (const [target = '', anchor] of linksIn(text).map((href) => href.split('#'))) {
        if (anchor === undefined || /^https?:/.test(target)) continue;
        assert.ok(seen.get(target || path)?.includes(`id="${anchor}"`), `${path} links to ${target}#${anchor}`);
      }
    }
  });

  it('finds them by the names of their files, too', async () => {
    assert.equal((await get('/docs/tour.md')).text, (await get('/docs/tour')).text);
    assert.equal((await get('/docs/')).status, 200);
  });

  it('is told to run no script and to load nothing from elsewhere', async () => {
    for (const path of ['/', '/docs', '/docs/tour']) {
      const { headers, text } = await get(path);
      assert.match(headers['content-security-policy'] as string, /^default-src 'none'; style-src 'self';/);
      assert.doesNotMatch(text, /<script|style=|onload=/);
    }
  });

  it('finds no other file', async () => {
    for (const path of ['/docs/../package.json', '/docs/%2e%2e/package.json', '/docs/..%2fpackage', '/docs/nope']) {
      const { status, json } = await get(path);
      assert.deepEqual([status, json], [404, { error: 'Not found' }], path);
    }
  });
});

it('HTML in a document is text, and a link to what is not served is none', () => {
  const html = renderDocument('# A <b>\n\n<script>x</script> [code](../src/main.ts) [x](javascript:x)', {
    ...{ file: 'docs/a.md', documents: new Map() },
  });
  assert.doesNotMatch(html, /<script|<a /);
});
