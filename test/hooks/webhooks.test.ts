// Webhooks as their owners set them: over the API.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HOOKS, SECRET, sign, startWorld } from './support/webhooks.ts';

describe('the webhooks of a hook', () => {
  it('are set, shown, listed, changed and removed, and their secrets are never answered', async (t) => {
    const { put, send } = await startWorld(t);
    const { status, json } = await put('push', { scheme: 'github', secrets: [SECRET], allow: ['192.0.2.0/24'] });
    assert.equal(status, 200);
    assert.match(json.url, /^http:\/\/127\.0\.0\.1:\d+\/api\/hooks\/v1\/webhook\/[A-Za-z0-9_-]{22}$/);
    const { url, created, lastModified, ...rest } = json;
    const shown = { name: 'push', scheme: 'github', allow: ['192.0.2.0/24'], respond: 'Accepted', secretCount: 1 };
    assert.deepEqual(rest, { ...shown, hasVerifyToken: false });
    assert.deepEqual((await send(`${HOOKS}/g/h/webhooks/push`)).json, json);
    await put('another', { scheme: 'none' });
    const listed = (await send(`${HOOKS}/g/h/webhooks`)).json.webhooks;
    assert.deepEqual(
      listed.map(({ name }: { name: string }) => name),
      ['another', 'push'],
    );

    const changed = (await put('push', { scheme: 'github', respond: 'Task' })).json;
    assert.deepEqual([changed.url, changed.secretCount, changed.respond, changed.allow], [url, 1, 'Task', undefined]);
    assert.equal((await send(`${HOOKS}/g/h/webhooks/push`, { method: 'DELETE' })).status, 200);
    assert.equal((await send(`${HOOKS}/g/h/webhooks/push`, { method: 'DELETE' })).status, 200);
    assert.equal((await send(`${HOOKS}/g/h/webhooks/push`)).status, 404);
    assert.deepEqual([created, lastModified], [created, created]);
  });

  it('have a secret of our making when one asks for it, which is answered that once', async (t) => {
    const { put, send, deliver } = await startWorld(t);
    const made = (await put('push', { scheme: 'github', secrets: { generate: true } })).json;
    assert.match(made.secret, /^[\w-]{43}$/);
    assert.equal((await send(`${HOOKS}/g/h/webhooks/push`)).json.secret, undefined);
    assert.equal((await deliver(made.url, '{}', { 'x-hub-signature-256': sign('{}', made.secret) })).status, 202);
  });

  it('take a new secret beside the old one, and then that one alone', async (t) => {
    const { put, send, deliver } = await startWorld(t);
    const { url } = (await put('push', { scheme: 'github', secrets: [SECRET] })).json;
    const rotate = async (body: object) =>
      (await send(`${HOOKS}/g/h/webhooks/push/secret`, { method: 'POST', body: JSON.stringify(body) })).json;
    const { secret, secretCount } = await rotate({});
    assert.equal(secretCount, 2);
    const statusOf = async (text: string, by: string) =>
      (await deliver(url, text, { 'x-hub-signature-256': sign(text, by) })).status;
    assert.deepEqual([await statusOf('{"n":1}', SECRET), await statusOf('{"n":2}', secret)], [202, 202]);
    assert.equal((await rotate({ secret: 'a secret of my own' })).secret, undefined);
    assert.deepEqual([await statusOf('{"n":3}', SECRET), await statusOf('{"n":4}', secret)], [401, 202]);
    assert.equal((await rotate({ secret: 'the last of them', keepOld: false })).secretCount, 1);
    assert.deepEqual([await statusOf('{"n":5}', secret), await statusOf('{"n":6}', 'the last of them')], [401, 202]);
  });

  it('are refused with what is wrong, where, and what to do', async (t) => {
    const { put, send } = await startWorld(t);
    const problems: [object, RegExp][] = [
      [{}, /scheme/],
      [{ scheme: 'github' }, /The scheme github needs a secret/],
      [{ scheme: 'none', secrets: [SECRET] }, /leave "secrets" out/],
      [{ scheme: 'none', expires: '2026-12-31T23:59:60Z' }, /expires: there is no such time/],
      [{ scheme: 'github', secrets: [SECRET, 'two of them', 'three of them'] }, /secrets/],
      [{ scheme: 'none', allow: ['nowhere'] }, /allow\[0\] is no address and no network: write/],
      [{ scheme: 'none', allow: ['10.0.0.0/33'] }, /allow\[0\]/],
      [{ scheme: 'none', when: { $eval: 'a +' } }, /^when/],
      [{ scheme: 'none', map: { a: { $nothing: 1 } } }, /^map\.a/],
      [{ scheme: 'none', map: { a: 'x'.repeat(13_000) } }, /when and map have at most 12 KB/],
      [{ scheme: 'none', expires: 'tomorrow' }, /expires/],
      [{ scheme: 'none', more: 1 }, /more/],
    ];
    for (const [settings, pattern] of problems) {
      const { status, json } = await put('one', settings);
      assert.deepEqual(
        [status, pattern.test(json.message)],
        [400, true],
        `${JSON.stringify(settings)}: ${json.message}`,
      );
    }
    assert.equal((await put('a.b', { scheme: 'none' })).status, 400);
    assert.equal((await put('one', { scheme: 'none' }, 'g/other')).status, 404);
    assert.deepEqual((await send(`${HOOKS}/g/h/webhooks`)).json, { webhooks: [] });
  });

  it('are at most 50, and go with their hook', async (t) => {
    const { put, hooks, rows } = await startWorld(t);
    for (let n = 0; n < 50; n += 1) assert.equal((await put(`w${n}`, { scheme: 'none' })).status, 200);
    assert.match((await put('w50', { scheme: 'none' })).json.message, /at most 50 webhooks/);
    assert.equal((await put('w49', { scheme: 'none' })).status, 200);
    await hooks.removeHook('g', 'h');
    assert.deepEqual(await rows('select * from webhooks'), []);
  });

  it('are changed with an audit row, and their secrets are readable nowhere', async (t) => {
    const { put, send, rows } = await startWorld(t);
    await put('push', { scheme: 'github', secrets: [SECRET], verifyToken: 'verify me now' });
    const stored = JSON.stringify(await rows('select w::text from webhooks w'));
    for (const secret of [SECRET, 'verify me now']) {
      for (const spelling of ['utf8', 'hex', 'base64'] as const) {
        assert.ok(!stored.includes(Buffer.from(secret).toString(spelling)));
      }
    }
    await send(`${HOOKS}/g/h/webhooks/push/secret`, { method: 'POST', body: '{}' });
    await send(`${HOOKS}/g/h/webhooks/push`, { method: 'DELETE' });
    const audit = await rows('select action, before, after from audit order by id');
    const settings = { webhook: 'push', scheme: 'github', respond: 'Accepted' };
    assert.deepEqual(audit.slice(1), [
      { action: 'webhook set', before: null, after: settings },
      { action: 'webhook secret rotated', before: null, after: { webhook: 'push' } },
      { action: 'webhook removed', before: settings, after: null },
    ]);
  });
});
