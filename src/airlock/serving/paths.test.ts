// Paths as clients write them, and those that try to lead elsewhere.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ownPath } from './login-page.ts';
import { readScryPath } from './scry-path.ts';

describe('the path of a scry', () => {
  it('is read as it is written', () => {
    const cases: readonly [string, string, string, string | undefined][] = [
      ['/~/scry/hood/kiln/pikes.json', 'hood', '/kiln/pikes', 'json'],
      [
        '/~/scry/channels/v5/chat/~zod/lounge/posts/post/170.141.184.json',
        'channels',
        '/v5/chat/~zod/lounge/posts/post/170.141.184',
        'json',
      ],
      ['/~/scry/channels/v5/x/search/text//500/q.json', 'channels', '/v5/x/search/text//500/q', 'json'],
      ['/~/scry/chat/dm/%7Ebud/a%20b%2525.json?x=1.noun', 'chat', '/dm/~bud/a b%25', 'json'],
      ['/%7E/scry/chat/x.noun', 'chat', '/x', 'noun'],
      ['/~/scry/chat/x.JSON', 'chat', '/x.JSON', undefined],
      ['/~/scry/chat/x.1', 'chat', '/x.1', undefined],
      ['/~/scry/chat.json', 'chat.json', '', undefined],
      ['/~/scry/', '', '', undefined],
    ];
    for (const [url, agent, path, extension] of cases) {
      assert.deepEqual(readScryPath(url), { agent, path, extension }, url);
    }
  });
});

describe('where a login leads', () => {
  it('is on this server', () => {
    assert.equal(ownPath('/apps/groups?x=1#y'), '/apps/groups?x=1#y');
    const elsewhere = [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      '/\t/evil.example',
      '/..//evil.example',
      'javascript:alert(1)',
      '',
      'x',
    ];
    for (const path of elsewhere) assert.equal(ownPath(path), '/', JSON.stringify(path));
  });
});
