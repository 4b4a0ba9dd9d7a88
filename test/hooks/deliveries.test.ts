// Webhooks as senders use them. What the schemes check is tested beside them; here a delivery goes
// all the way to its task.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { eventually } from '../support/wait.ts';
import { definition, parsed, passTimeUntil } from './support/definitions.ts';
import { SAYS_ALL, SECRET, sign, startWithWebhook, startWorld, talkTo } from './support/webhooks.ts';

describe('a delivery', () => {
  it('becomes a task whose template sees the payload and the webhook', async (t) => {
    const { deliver, to, queue, fires } = await startWithWebhook(t);
    const headers = { 'x-github-delivery': 'd-1', authorization: 'Basic x' };
    const { status, text } = await deliver(to, '{"ref":"main"}', headers);
    assert.deepEqual([status, text], [202, '']);
    const { said, webhook, by } = parsed(queue.tasks).at(-1).payload;
    assert.deepEqual([said, by], [{ ref: 'main' }, 'triggerHookWithToken']);
    const { headers: seen, ...rest } = webhook;
    assert.deepEqual(rest, { name: 'push', scheme: 'github', event: 'push', deliveryId: 'd-1' });
    const names = ['x-hub-signature-256', 'authorization', 'x-github-event'];
    assert.deepEqual(
      names.map((name) => seen[name]),
      [undefined, undefined, 'push'],
    );
    const [fire] = await fires();
    assert.deepEqual([fire.outcome, fire.firedBy], ['created', 'triggerHookWithToken']);
    assert.deepEqual(fire.detail, { webhook: 'push', event: 'push', deliveryId: 'd-1' });
  });

  it('is answered with its task where the webhook says so', async (t) => {
    const { deliver, to, queue } = await startWithWebhook(t, { respond: 'Task' });
    const { status, json } = await deliver(to, '{}');
    assert.deepEqual([status, [json.taskId]], [200, [...queue.tasks.keys()]]);
  });

  it('fires only where the condition of the webhook holds, and is declined otherwise', async (t) => {
    const when = { $eval: "payload.ref == 'main' && webhook.event == 'push'" };
    const { deliver, to, queue, fires } = await startWithWebhook(t, { when });
    assert.equal((await deliver(to, '{"ref":"main"}')).status, 202);
    assert.equal((await deliver(to, '{"ref":"other"}')).status, 202);
    const { status, json } = await deliver(to, '{}');
    assert.deepEqual([status, /"when" of the webhook/.test(json.message)], [400, true]);
    assert.equal(queue.tasks.size, 1);
    const found = await fires();
    assert.deepEqual(found.map(({ outcome }) => outcome).sort(), ['created', 'declined', 'failed']);
    const { error, detail } = found.find(({ outcome }) => outcome === 'declined');
    assert.match(error.message, /condition of the webhook/);
    assert.equal(detail.webhook, 'push');
  });

  it('has the shape that the webhook gives it, before the trigger schema', async (t) => {
    const map = { branch: { $eval: 'payload.ref' }, from: { $eval: 'webhook.name' } };
    const { deliver, to, hooks, queue } = await startWithWebhook(t, { map });
    const properties = { branch: { type: 'string' }, from: {} };
    const triggerSchema = { type: 'object', properties, additionalProperties: false };
    await hooks.updateHook('g', 'h', definition({ ...SAYS_ALL, triggerSchema }));
    assert.equal((await deliver(to, '{"ref":"main","more":1}')).status, 202);
    assert.deepEqual(parsed(queue.tasks).at(-1).payload.said, { branch: 'main', from: 'push' });
    const { status, json } = await deliver(to, '{"ref":1}');
    assert.deepEqual([status, json.code], [400, 'InputError']);
    assert.match(json.message, /branch/);
  });

  it('that is large is evaluated beside the server, with the same result', async (t) => {
    const map = { ids: { $map: { $eval: 'payload.items' }, 'each(x)': { $eval: 'x.id' } } };
    const { deliver, to, queue, fires } = await startWithWebhook(t, { map });
    const items = Array.from({ length: 2_000 }, (_, id) => ({ id, more: 'x'.repeat(300) }));
    const large = JSON.stringify({ items });
    assert.ok(large.length > 500_000);
    assert.equal((await deliver(to, large)).status, 202);
    assert.equal(parsed(queue.tasks).at(-1).payload.said.ids.length, 2_000);
    const packed = { 'content-encoding': 'gzip', 'x-hub-signature-256': sign(large) };
    assert.equal((await deliver(to, gzipSync(large), packed)).status, 202);
    assert.equal((await fires())[0].outcome, 'skipped');
  });

  it('may be a form, a text or a CloudEvent, and nothing that is no text', async (t) => {
    const { deliver, to, queue, fires } = await startWithWebhook(t);
    const seen = () => parsed(queue.tasks).at(-1).payload;
    await deliver(to, 'payload=%7B%22a%22%3A1%7D', { 'content-type': 'application/x-www-form-urlencoded' });
    assert.deepEqual(seen().said, { a: 1 });
    await deliver(to, 'hello', { 'content-type': 'text/plain' });
    assert.deepEqual(seen().said, { text: 'hello' });
    const event = { specversion: '1.0', id: 'e', source: '/s', type: 'com.example.done', data: { b: 2 } };
    await deliver(to, JSON.stringify(event), { 'content-type': 'application/cloudevents+json' });
    const { data, ...attributes } = event;
    assert.deepEqual([seen().said, seen().webhook.cloudevent], [data, attributes]);
    const { status, json } = await deliver(to, Buffer.of(0xff, 0xfe), { 'content-type': 'image/png' });
    assert.deepEqual([status, json.code], [415, 'UnsupportedMediaType']);
    const malformed = await deliver(to, '{"a"');
    assert.deepEqual([malformed.status, malformed.json.code], [400, 'MalformedPayload']);
    const rejected = (await fires()).filter(({ outcome }) => outcome === 'rejected'); // the owner learns of it, too
    const reasons = rejected.map(({ error }) => error.message);
    const told = [json, malformed.json].map(({ message }) => message.split('\n')[0]);
    assert.deepEqual(reasons.sort(), told.sort());
  });

  it('cannot choose the id of its task', async (t) => {
    const { deliver, to, queue } = await startWithWebhook(t);
    const taskId = 'fN1SbArXTPSVFNUvaOlinQ';
    assert.equal((await deliver(to, JSON.stringify({ taskId }))).status, 202);
    assert.equal(queue.tasks.has(taskId), false);
  });

  it('is told what is wrong with its hook, as any call is', async (t) => {
    const { deliver, to, hooks } = await startWithWebhook(t);
    await hooks.updateHook('g', 'h', definition({ task: { $eval: 'payload.missing' } }));
    const { status, json } = await deliver(to, '{}');
    assert.deepEqual([status, json.code], [400, 'InputError']);
    assert.match(json.message, /While firing hook/);
  });

  it('is believed by the secret of now, whichever process has changed it', async (t) => {
    const { deliver, to, start, url } = await startWithWebhook(t);
    const other = await start({ isIdle: true });
    const there = to.replace(url, other.url);
    assert.equal((await deliver(to, '{"n":1}')).status, 202);
    const body = JSON.stringify({ secret: 'another secret', keepOld: false });
    await other.send('/api/hooks/v1/hooks/g/h/webhooks/push/secret', { method: 'POST', body });
    const by = (secret: string, text: string) => deliver(to, text, { 'x-hub-signature-256': sign(text, secret) });
    assert.equal((await by(SECRET, '{"n":2}')).status, 401);
    assert.equal((await by('another secret', '{"n":3}')).status, 202);
    await other.hooks.removeHook('g', 'h');
    assert.equal((await by('another secret', '{"n":4}')).status, 401);
    assert.notEqual(there, to);
  });
});

describe('who is not believed', () => {
  it('gets the same sentence, whatever is wrong, and the owner finds the reason in the ledger', async (t) => {
    const world = await startWithWebhook(t, { allow: ['127.0.0.0/8'] });
    const { deliver, to, put, clock, url, fires } = world;
    const elsewhere = (await put('elsewhere', { scheme: 'none', allow: ['192.0.2.0/24'] })).json.url;
    const expires = new Date(clock.now() + 1_000).toISOString();
    const short = (await put('short', { scheme: 'none', expires })).json.url;
    await clock.advance(1_000);
    const refused = {
      'a wrong signature': await deliver(to, '{}', { 'x-hub-signature-256': sign('{ }') }),
      'another secret': await deliver(to, '{}', { 'x-hub-signature-256': sign('{}', 'another secret') }),
      'a malformed signature': await deliver(to, '{}', { 'x-hub-signature-256': sign('{}').slice(7) }),
      'an address that is not allowed': await deliver(elsewhere, '{}'),
      'a webhook that has expired': await deliver(short, '{}'),
      'an address that leads nowhere': await deliver(`${url}/api/hooks/v1/webhook/${'A'.repeat(22)}`, '{}'),
      'no address': await deliver(`${url}/api/hooks/v1/webhook/x`, '{}'),
    };
    assert.equal(new Set(Object.values(refused).map(({ text }) => text)).size, 1);
    for (const [what, { status, json }] of Object.entries(refused)) {
      assert.deepEqual([status, json.code], [401, 'AuthenticationFailed'], what);
      assert.match(json.message, /^This delivery was not accepted\. /);
    }
    assert.equal(world.queue.tasks.size, 0);
    const reasons = (await fires()).toReversed();
    assert.deepEqual(
      reasons.map(({ outcome, detail }) => [outcome, detail.webhook, detail.check]),
      [
        ['rejected', 'push', 'wrong'],
        ['rejected', 'push', 'wrong'],
        ['rejected', 'push', 'malformed'],
        ['rejected', 'elsewhere', 'address'],
        ['rejected', 'short', 'expired'],
      ],
    );
    const [wrong, , , address, expired] = reasons.map(({ error }) => error.message);
    assert.equal(wrong, 'The delivery has a wrong x-hub-signature-256.');
    assert.match(address, /^The address 127\.0\.0\.1 is none of those/);
    assert.match(expired, /^The webhook has expired, at /);
    for (const secret of [SECRET, sign('{}').slice(7)]) assert.ok(!world.logged().includes(secret));
  });

  it('finds what could not be read in the ledger, too, and is told the reason once the delivery was verified', async (t) => {
    const { deliver, to, fires, send } = await startWithWebhook(t);
    const malformed = await deliver(to, '{', { 'x-github-event': 'push' });
    assert.deepEqual([malformed.status, malformed.json.code], [400, 'MalformedPayload']);
    const bytes = Buffer.from([0xff, 0xfe]);
    assert.equal((await deliver(to, bytes, { 'content-type': 'image/png' })).status, 415);
    const large = await deliver(to, Buffer.alloc(10 * 1024 * 1024 + 1, ' '), { 'x-hub-signature-256': sign('{}') });
    assert.equal(large.status, 413);
    const found = (await fires()).toReversed();
    assert.deepEqual(
      found.map(({ outcome, detail, error }) => [outcome, detail.webhook, detail.check, error.message.slice(0, 20)]),
      [
        ['rejected', 'push', undefined, 'Failed to parse JSON'],
        ['rejected', 'push', undefined, 'The body is neither '],
        ['rejected', 'push', 'unread', 'The request body is '],
      ],
    );
    const { json } = await send('/api/hooks/v1/fires?text=larger');
    const { steps } = (await send(`/api/hooks/v1/fires/${json.fires[0].seq}`)).json;
    assert.deepEqual([steps[0].verdict, steps[2].verdict], ['failed', 'not reached']);
  });

  it('is counted beyond the first five of a minute, for each webhook by itself', async (t) => {
    const { deliver, to, put, fires, clock, metrics } = await startWithWebhook(t, {}, {});
    const other = (await put('other', { scheme: 'github', secrets: [SECRET] })).json.url;
    const wrong = { 'x-hub-signature-256': sign('no') };
    await Promise.all(Array.from({ length: 40 }, () => deliver(to, '{}', wrong)));
    await deliver(other, '{}', wrong);
    assert.equal((await fires()).length, 6);
    const summed = await passTimeUntil(clock, 'the minute is summed up', async () =>
      (await fires()).find(({ detail }) => detail.count !== undefined),
    );
    const { outcome, firedBy, detail, error } = summed;
    assert.deepEqual(
      [outcome, firedBy, detail.webhook, detail.count],
      ['rejected', 'triggerHookWithToken', 'push', 35],
    );
    assert.match(error.message, /^35 more deliveries were refused, from .* the last one: The delivery has a wrong/);
    const text = await metrics.registry.metrics();
    assert.match(text, /hookwright_webhook_deliveries_total\{scheme="github",verdict="wrong"\} 41/);
  });
});

describe('a delivery that comes again', () => {
  it('makes no second task, is answered as the first one was, and is skipped in the ledger', async (t) => {
    const { deliver, to, queue, fires, hooks } = await startWithWebhook(t, { respond: 'Task' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => deliver(to, '{"n":1}')));
    assert.equal(queue.tasks.size, 1);
    const [taskId] = queue.tasks.keys();
    for (const { status, json } of answers) assert.deepEqual([status, json], [200, { taskId }]);
    const found = await fires();
    const count = (outcome: string) => found.filter((fire) => fire.outcome === outcome).length;
    assert.deepEqual([count('created'), count('skipped'), found.length], [1, 5, 6]);
    const skipped = found.find(({ outcome }) => outcome === 'skipped');
    assert.deepEqual(skipped.detail, { because: 'duplicate', taskId, webhook: 'push', event: 'push' });
    assert.equal((await hooks.listLastFires('g', 'h')).lastFires.length, 1);
  });

  it('is the same delivery with another id that nobody has signed, and another one by another webhook', async (t) => {
    const { deliver, to, queue, put } = await startWithWebhook(t);
    await deliver(to, '{"n":1}', { 'x-github-delivery': 'a' });
    await deliver(to, '{"n":1}', { 'x-github-delivery': 'b' });
    assert.equal(queue.tasks.size, 1);
    const other = (await put('other', { scheme: 'github', secrets: [SECRET] })).json.url;
    await deliver(other, '{"n":1}');
    assert.equal(queue.tasks.size, 2);
  });

  it('is forgotten after a day; then copies beyond the first five are summed up', async (t) => {
    const { deliver, to, queue, fires, clock, rows } = await startWithWebhook(t, {}, {});
    for (let n = 0; n < 9; n += 1) assert.equal((await deliver(to, '{}')).status, 202);
    assert.equal((await fires()).length, 6);
    const dayLater = clock.now() + 24 * 60 * 60 * 1000;
    assert.deepEqual(await rows('select forget from known_events'), [{ forget: dayLater }]);
    await rows(`update known_events set forget = '2000-01-01'`);
    const isSummedUp = async () => (await fires()).find(({ detail }) => detail.count !== undefined);
    const summed = await passTimeUntil(clock, 'it is forgotten', isSummedUp, 20_000);
    const { outcome, detail } = summed;
    assert.deepEqual([outcome, detail.because, detail.count], ['skipped', 'duplicate', 3]);
    assert.equal((await deliver(to, '{}')).status, 202);
    assert.equal(queue.tasks.size, 2);
  });

  it('is tried anew when the first one has made no task', async (t) => {
    const { deliver, to, queue } = await startWithWebhook(t, { respond: 'Task' });
    queue.behave({ kind: 'refused', statusCode: 403, code: 'InsufficientScopes', message: 'no such scope' });
    assert.deepEqual([(await deliver(to, '{}')).status, (await deliver(to, '{}')).status], [403, 403]);
    queue.behave('create');
    assert.deepEqual([(await deliver(to, '{}')).status, queue.tasks.size], [200, 1]);
  });

  it('is answered as the first one was when many come at once and it is refused', async (t) => {
    const { deliver, to, queue } = await startWithWebhook(t, { respond: 'Task' });
    queue.behave({ kind: 'refused', statusCode: 403, code: 'InsufficientScopes', message: 'no such scope' });
    const answers = await Promise.all(Array.from({ length: 40 }, () => deliver(to, '{}')));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [403]);
    queue.behave('create');
    assert.deepEqual([(await deliver(to, '{}')).status, queue.tasks.size], [200, 1]);
  });

  it('finds the fire of a process that has died, and has it attempted', async (t) => {
    const { deliver, to, queue, start, kill, url } = await startWithWebhook(t, { respond: 'Task' });
    queue.behave('hang');
    const first = deliver(to, '{}').catch(() => {});
    await eventually('the task is asked for', () => queue.asked.length > 0);
    kill();
    queue.behave('create');
    const other = await start({ isIdle: true });
    const again = await talkTo(other).deliver(to.replace(url, other.url), '{}');
    assert.deepEqual([again.status, [again.json.taskId]], [200, [...queue.tasks.keys()]]);
    for (const { letGo } of queue.asked) letGo();
    await first;
  });

  it('is two events where nothing is signed and the sender names none of them', async (t) => {
    const { put, deliver, queue } = await startWorld(t);
    const to = (await put('open', { scheme: 'none' })).json.url;
    for (let n = 0; n < 2; n += 1) assert.equal((await deliver(to, '{}')).status, 202);
    assert.equal(queue.tasks.size, 2);
  });
});

describe('a sender that asks before it sends', () => {
  it('is answered: WebSub and Meta, CloudEvents, Microsoft Graph and Slack', async (t) => {
    const { send, put, to, url, deliver, queue } = await startWithWebhook(t, { verifyToken: 'verify me now' });
    const path = to.replace(url, '');
    const ask = (token: string) => send(`${path}?hub.mode=subscribe&hub.challenge=4711&hub.verify_token=${token}`);
    const [right, wrong] = [await ask('verify%20me%20now'), await ask('another')];
    assert.deepEqual([right.status, right.text, wrong.status], [200, '4711', 403]);
    assert.equal((await send(path)).status, 405);
    const headers = { 'webhook-request-origin': 'events.example.com' };
    const options = await send(path, { method: 'OPTIONS', headers });
    assert.deepEqual([options.status, options.headers['webhook-allowed-origin']], [200, 'events.example.com']);
    const open = (await put('open', { scheme: 'none' })).json.url;
    const validation = await deliver(`${open}?validationToken=abc`, '');
    assert.deepEqual([validation.status, validation.text], [200, 'abc']);
    assert.match(String(validation.headers['content-type']), /^text\/plain/);
    assert.equal(queue.tasks.size, 0);
  });

  it('is believed by the verify token of now, whichever process has changed it', async (t) => {
    const { send, start, to, url } = await startWithWebhook(t, { verifyToken: 'verify me now' });
    const ask = async (token: string) =>
      (await send(`${to.replace(url, '')}?hub.mode=subscribe&hub.challenge=4711&hub.verify_token=${token}`)).status;
    assert.equal(await ask('verify%20me%20now'), 200);
    const other = talkTo(await start({ isIdle: true }));
    await other.put('push', { scheme: 'github', verifyToken: 'another one' });
    assert.deepEqual([await ask('verify%20me%20now'), await ask('another%20one')], [403, 200]);
  });
});

it('what ended at a webhook comes again by its condition and its shape of now', async (t) => {
  const [when, map] = [{ $eval: 'payload.n > 0' }, { mapped: { $eval: '10 / payload.n' } }];
  const { deliver, to, put, queue, send, fires } = await startWithWebhook(t, { when, map });
  for (const body of ['{"n":0}', '{"n":"x"}', '{"n":1}']) await deliver(to, body);
  const api = '/api/hooks/v1';
  const ALL = ['created', 'failed', 'declined'];
  const find = async (query: string): Promise<number> => (await send(`${api}/fires?${query}`)).json.fires[0].seq;
  const seqs = await Promise.all(ALL.map((outcome) => find(`outcome=${outcome}`)));
  const replay = async (seq: number) => (await send(`${api}/fires/${seq}/replay`, { method: 'POST', body: '{}' })).json;
  const render = async (seq: number) =>
    (await send(`${api}/hooks/g/h/render`, { method: 'POST', body: JSON.stringify({ seq }) })).json.outcome;
  for (const [index, outcome] of ALL.entries()) {
    const seq = seqs[index] as number;
    assert.equal(await render(seq), outcome);
    assert.equal((await replay(seq)).outcome, outcome, 'past no condition');
  }
  assert.deepEqual((await fires()).map(({ outcome }) => outcome).toSorted(), [...ALL, ...ALL].toSorted());

  await put('push', { scheme: 'github', map: { mended: { $eval: 'payload.n' } } });
  for (const seq of seqs.slice(1)) {
    assert.equal(await render(seq), 'created');
    const { outcome, taskId } = await replay(seq);
    assert.equal(outcome, 'created');
    const again = await replay(await find(`taskId=${taskId}`));
    assert.equal(again.outcome, 'created', 'what came of it comes again as it is');
  }
  const tasks = parsed(queue.tasks).map(({ payload }) => payload);
  assert.deepEqual(
    tasks.map(({ said }) => Object.values(said)[0]),
    [10, 10, 'x', 'x', 0, 0],
  );
  assert.ok(tasks.every(({ webhook }) => webhook.name === 'push' && webhook.event === 'push'));
  await send(`${api}/hooks/g/h/webhooks/push`, { method: 'DELETE' });
  assert.match((await replay(seqs[2] as number)).message, /^Fire \d+ ended at the webhook push, which is gone/);
});
