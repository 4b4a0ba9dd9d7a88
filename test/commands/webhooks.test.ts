// Webhooks as people make and try them: by commands, with the examples, and with what senders use.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Webhook } from '#client';
import { type Connection, connectApi } from '../../src/commands/calls/api-connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { signDelivery } from '../../src/task-hooks/webhooks/schemes/sign-delivery.ts';
import { lastFirst } from '../support/wait.ts';
import { GREETING, newQuickWorld, PROJECT, type World } from './command-world.ts';

const FOLDER = join(PROJECT, 'examples/webhooks');
const SECRET = 'a-secret:of-a-test';

const TYPES: Readonly<Record<string, string>> = {
  ...{ '.json': 'application/json', '.form': 'application/x-www-form-urlencoded' },
};

/** What is sent of each example, under which name of its event, and what its task is to do. */
const EXAMPLES = {
  'github-push': {
    ...{ file: 'github-push.json', more: ['--event', 'push'] },
    payload: { command: ['build', 'octo-org/octo-repo', '0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c'] },
    declined: { ref: 'refs/heads/idea' },
  },
  'gitea-push': {
    ...{ file: 'gitea-push.json', more: ['--event', 'push'] },
    payload: { command: ['build', 'gitea/webhooks', 'bffeb74224043ba2feb48d137756c8a9331c449a'] },
    declined: { ref: 'refs/heads/robots/1' },
  },
  'gitlab-merge-request': {
    ...{ file: 'gitlab-merge-request.json', more: ['--event', 'Merge Request Hook'] },
    payload: { command: ['check', 'gitlabhq/gitlab-test', 'da1560886d4f094c3e6c9ef40349f7d38b5d27d7'] },
    declined: { object_attributes: { action: 'merge' } },
  },
  'slack-command': {
    ...{ file: 'slack-command.form', more: [] },
    payload: { command: ['deploy', 'website'], answerTo: 'https://hooks.slack.com/commands/1234/5678' },
  },
  'stripe-event': {
    ...{ file: 'stripe-event.json', more: [] },
    payload: { command: ['deliver', 'cs_test_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2znZKdVujZ0N0S22u'] },
    declined: { type: 'invoice.paid' },
  },
  alertmanager: {
    ...{ file: 'alertmanager.json', more: [] },
    payload: { runbook: 'InstanceDown', instances: ['db-1:9100'] },
    declined: { status: 'resolved' },
  },
  cloudevent: {
    ...{ file: 'cloudevent.json', more: ['--type', 'application/cloudevents+json'] },
    payload: { command: ['scan', '/buckets/uploads', 'reports/2026-03.pdf'] },
    declined: { type: 'com.example.object.removed' },
  },
  signed: { file: 'signed.json', more: [], payload: { command: ['report', 'daily'] } },
} as const;

describe('webhooks', () => {
  let world: World;
  let api: Connection;
  let github: Webhook;
  const undo = new AsyncDisposableStack();
  before(async () => {
    world = await newQuickWorld(lastFirst({ after: (step) => undo.defer(step) }));
    const data = join(world.folder, '.hookwright');
    api = await connectApi({ data, rootUrl: undefined, clientId: undefined, env: {}, cwd: world.folder });
    await writeFile(join(world.folder, 'secret.txt'), `${SECRET}\n`);
    const scopes = ['queue:create-task:lowest:*', 'queue:create-task:project:none', 'queue:scheduler-id:-'];
    await world.succeed(['roles', 'grant', 'hook-id:*', ...scopes.flatMap((scope) => ['--scope', scope])]);
    const triggerSchema = { type: 'object', additionalProperties: true };
    const task = { ...GREETING.task, payload: { event: '${webhook.event}', by: '${webhook.name}' } };
    await writeFile(join(world.folder, 'hook.json'), JSON.stringify({ ...GREETING, triggerSchema, task }));
    await world.succeed(['hooks', 'create', 'g/h', 'hook.json']);
    github = await world.json<Webhook>(['webhooks', 'add', 'g/h', '--scheme', 'github', '--secret-file', 'secret.txt']);
  });
  after(() => undo.disposeAsync());

  const newest = async (hook: string) => {
    const [group = '', id = ''] = hook.split('/');
    return (await api.hooks.listFires(group, id)).fires[0];
  };
  const payloadOf = async (hook: string) => (await api.queue.task((await newest(hook))?.taskId ?? '')).payload;
  /** As its sender would, without a process. */
  const deliver = async ({ url, scheme, hmac }: Webhook, secret: string, text: string, headers = {}) => {
    const body = Buffer.from(text);
    const delivery = { body, id: randomUUID(), nowMs: systemClock.now() };
    const signed = signDelivery({ scheme, ...(hmac && { hmac }) }, secret, delivery);
    const sent = { 'content-type': 'application/json', ...signed, ...headers };
    return (await fetch(url, { method: 'POST', headers: sent, body })).status;
  };
  const send = (hook: string, name: string, file: string, ...more: readonly string[]) =>
    world.run(['webhooks', 'send', hook, name, file, '--secret-file', 'secret.txt', ...more]);

  it('of each example are made by one command, and make the task that they are for', async () => {
    const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.yaml'));
    assert.deepEqual(
      files.toSorted(),
      Object.keys(EXAMPLES)
        .map((name) => `${name}.yaml`)
        .toSorted(),
    );
    for (const [example, { file, more, payload, ...others }] of Object.entries(EXAMPLES)) {
      const hook = `examples/${example}`;
      const yaml = join(FOLDER, `${example}.yaml`);
      const webhook = await world.json<Webhook>([
        'webhooks',
        'add',
        hook,
        '--file',
        yaml,
        '--secret-file',
        'secret.txt',
      ]);
      const [option, value] = more;
      const names = { 'x-github-event': value, 'x-gitea-event': value, 'x-gitlab-event': value };
      const type = option === '--type' ? value : TYPES[extname(file)];
      const headers = option === '--event' ? names : { 'content-type': type };
      const text = await readFile(join(FOLDER, file), 'utf8');
      await deliver(webhook, SECRET, text, headers);
      const fire = await newest(hook);
      assert.equal(fire?.outcome, 'created', `${example}: ${JSON.stringify(fire)}`);
      assert.deepEqual(await payloadOf(hook), payload, example);
      if (!('declined' in others)) continue;
      await deliver(webhook, SECRET, JSON.stringify({ ...JSON.parse(text), ...others.declined }), headers);
      assert.equal((await newest(hook))?.outcome, 'declined', example);
    }
  });

  it('say what to paste where, and a secret once', async () => {
    const added = await world.run(['webhooks', 'add', 'g/h', 'lab', '--scheme', 'gitlab']);
    assert.match(
      added.out,
      /In GitLab: .*\n {2}URL {11}http.*\n {2}Secret token {2}[\w-]{43}\nThe secret is not shown/,
    );
    assert.equal(added.err, 'Made the webhook lab of g/h.\n');
    const shown = await world.succeed(['webhooks', 'show', 'g/h', 'lab']);
    assert.match(shown, /scheme +gitlab\n/);
    assert.ok(!/[\w-]{43}/.test(shown));
    const stripe = await world.succeed(['webhooks', 'add', 'g/h', '--scheme', 'stripe']);
    assert.match(stripe, /hookwright webhooks rotate g\/h stripe --drop-old --secret-file -\n$/);
    const basic = await world.succeed(['webhooks', 'add', 'g/h', '--scheme', 'basic']);
    assert.match(basic, /User {6}hookwright\n {2}Password {2}[\w-]{43}\n/);
    const none = await world.succeed(['webhooks', 'add', 'g/h', '--scheme', 'none']);
    assert.match(none, /whoever knows the URL can send/);
  });

  it('that are added again keep their URL, and the secret that they have', async () => {
    const again = await world.json<Webhook>(['webhooks', 'add', 'g/h', '--scheme', 'github']);
    assert.deepEqual([again.url, again.secret, again.secretCount], [github.url, undefined, 1]);
    await writeFile(join(world.folder, 'again.json'), '{"again": true}');
    assert.equal((await send('g/h', 'github', 'again.json', '--event', 'ping')).status, 0);
    assert.deepEqual(await payloadOf('g/h'), { event: 'ping', by: 'github' });
  });

  it('take a delivery that was signed elsewhere', async () => {
    const body = '{"elsewhere":true}';
    const signature = createHmac('sha256', SECRET).update(body).digest('hex');
    const headers = { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` };
    const answer = await fetch(github.url, { method: 'POST', headers, body });
    assert.equal(answer.status, 202);
  });

  it('refuse what another secret has signed; the fires say why', async () => {
    await writeFile(join(world.folder, 'other.txt'), 'another secret');
    await writeFile(join(world.folder, 'body.json'), '{"n": 1}');
    const { status, out, err } = await send('g/h', 'github', 'body.json', '--secret-file', 'other.txt');
    assert.equal(status, 1);
    assert.match(out, /^401 /);
    assert.match(err, /hookwright hooks fires g\/h/);
    const fire = await newest('g/h');
    assert.equal(fire?.outcome, 'rejected');
    assert.match(JSON.stringify(fire), /wrong x-hub-signature-256/);
  });

  it('have two secrets after a rotation, and one when the old one is dropped', async () => {
    const added = await world.json<Webhook>([
      'webhooks',
      'add',
      'g/h',
      'rotated',
      '--scheme',
      'github',
      '--secret-file',
      'secret.txt',
    ]);
    const sent = (n: number, secret: string) => deliver(added, secret, `{"n": ${n}}`);
    const { secret } = await world.json<Webhook>(['webhooks', 'rotate', 'g/h', 'rotated']);
    assert.deepEqual([await sent(1, SECRET), await sent(2, secret ?? '')], [202, 202]);
    const [, , rotated] = await world
      .json<Webhook[]>(['webhooks', 'list', 'g/h'])
      .then((all) => [undefined, undefined, all.find(({ name }) => name === 'rotated')]);
    assert.equal(rotated?.secretCount, 2);
    await world.succeed(['webhooks', 'rotate', 'g/h', 'rotated', '--drop-old', '--secret-file', '-'], {
      input: 'the third one',
    });
    assert.deepEqual(
      [await sent(3, SECRET), await sent(4, secret ?? ''), await sent(5, 'the third one')],
      [401, 401, 202],
    );
  });

  it('are removed, and lead nowhere then', async () => {
    const { url } = await world.json<Webhook>(['webhooks', 'add', 'g/h', 'gone', '--scheme', 'none']);
    assert.equal((await fetch(url, { method: 'POST', body: '{}' })).status, 202);
    assert.equal(await world.succeed(['webhooks', 'remove', 'g/h', 'gone']), 'Removed the webhook g/h gone.\n');
    assert.equal(await world.succeed(['webhooks', 'remove', 'g/h', 'gone']), 'There was no webhook g/h gone.\n');
    assert.equal((await fetch(url, { method: 'POST', body: '{}' })).status, 401);
    assert.equal((await world.run(['webhooks', 'show', 'g/h', 'gone'])).status, 3);
  });

  it('are asked for in words that help', async () => {
    const said = async (...args: readonly string[]) => {
      const { status, err } = await world.run(['webhooks', ...args], { input: '' });
      assert.notEqual(status, 0, err);
      return err;
    };
    assert.match(await said('add', 'g/h'), /Give --scheme, such as --scheme github/);
    assert.match(await said('add', 'g/h', '--scheme', 'slack', '--secret-file', '-'), /The secret is empty/);
    assert.match(await said('add', 'g/h', '--scheme', 'slack', '--secret-file', 'nowhere.txt'), /nowhere\.txt/);
    assert.match(await said('send', 'g/h', 'github', '-', '--secret-file', '-'), /cannot both/);
    assert.match(await said('send', 'g/h', 'github', 'hook.json', '--header', 'x'), /is no header/);
    assert.match(await said('show', 'g/h', 'nope'), /cure: .* hookwright webhooks list/);
    const wrong = await world.run(['webhooks', 'add', 'g/h', '--scheme', 'githup']);
    assert.match(wrong.err, /scheme/);
    assert.equal(wrong.status, 1);
  });
});
