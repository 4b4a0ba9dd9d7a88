// What the senders' own libraries send arrives as a task, once; what is changed on its way does
// not.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sign as signAsGithub } from '@octokit/webhooks-methods';
import { CloudEvent, emitterFor, HTTP, type Message, Mode } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { signDelivery } from '../../src/task-hooks/webhooks/schemes/sign-delivery.ts';
import { lastFirst } from '../support/wait.ts';
import { parsed } from './support/definitions.ts';
import { startWorld, type WebhookWorld } from './support/webhooks.ts';

const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SECRET = 'a-secret-of-a-sender';

type Sent = { readonly headers: Record<string, string>; readonly body: string };

/** Signs a body at a moment. */
const SENDERS: Readonly<
  Record<string, { secret: string; sign: (body: string, at: Date) => Promise<Sent['headers']> }>
> = {
  standard: {
    secret: WHSEC,
    sign: async (body, at) => ({
      ...{ 'webhook-id': 'msg_1', 'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)) },
      'webhook-signature': new Webhook(WHSEC).sign('msg_1', at, body),
    }),
  },
  github: {
    secret: SECRET,
    sign: async (body) => ({ 'x-github-event': 'push', 'x-hub-signature-256': await signAsGithub(SECRET, body) }),
  },
  stripe: {
    secret: SECRET,
    sign: async (payload, at) => {
      const timestamp = Math.floor(at.getTime() / 1_000);
      return { 'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET, timestamp }) };
    },
  },
};

describe('a sender', () => {
  let world: WebhookWorld;
  const undo = new AsyncDisposableStack();
  before(async () => {
    world = await startWorld(lastFirst({ after: (step) => undo.defer(step) }));
  });
  after(() => undo.disposeAsync());

  const add = async (name: string, settings: object): Promise<string> => {
    const { status, json, text } = await world.put(name, settings);
    assert.equal(status, 200, text);
    return json.url.replace(world.url, '');
  };
  const post = (path: string, { headers, body }: Sent) =>
    world.send(path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
  const newestTask = () => parsed(world.queue.tasks).at(-1).payload;

  for (const [scheme, { secret, sign }] of Object.entries(SENDERS)) {
    it(`with the library of ${scheme} makes a task, and no second one by a copy or a forgery`, async () => {
      const path = await add(scheme, { scheme, secrets: [secret] });
      const body = `{"from":"${scheme}","text":"grün"}`;
      const headers = await sign(body, new Date(world.clock.now()));
      const known = world.queue.tasks.size;
      assert.equal((await post(path, { headers, body: body.replace('grün', 'rot') })).status, 401);
      assert.equal((await post(path, { headers, body: `${body} ` })).status, 401);
      assert.equal(world.queue.tasks.size, known);
      for (const _copy of [1, 2]) assert.equal((await post(path, { headers, body })).status, 202);
      assert.equal(world.queue.tasks.size, known + 1);
      assert.deepEqual(newestTask().said, JSON.parse(body));
      assert.equal(newestTask().webhook.scheme, scheme);
    });
  }

  for (const [name, mode] of Object.entries({ binary: Mode.BINARY, structured: Mode.STRUCTURED })) {
    it(`of CloudEvents emits in ${name} mode to a webhook with a bearer token`, async () => {
      const path = await add(name, { scheme: 'bearer', secrets: [SECRET] });
      const transport = async ({ headers, body }: Message) => {
        const sent = { ...(headers as Record<string, string>), authorization: `Bearer ${SECRET}` };
        return (await post(path, { headers: sent, body: String(body) })).status;
      };
      const emit = emitterFor(transport, { binding: HTTP, mode });
      const data = { order: 7 };
      const event = new CloudEvent({ id: name, source: '/orders', type: 'order.placed', subject: 'grün', data });
      const known = world.queue.tasks.size;
      assert.deepEqual([await emit(event), await emit(event)], [202, 202]);
      assert.equal(world.queue.tasks.size, known + 1, 'its id makes a copy of the second one');
      const { said, webhook } = newestTask();
      assert.deepEqual(said, data);
      assert.deepEqual([webhook.cloudevent.type, webhook.cloudevent.id], ['order.placed', name]);
      assert.equal(webhook.headers.authorization, undefined);
    });
  }

  it('that is Slack is told its challenge when it has signed the question, and makes no task by it', async () => {
    const path = await add('slack', { scheme: 'slack', secrets: [SECRET] });
    const body = JSON.stringify({ type: 'url_verification', challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd' });
    const delivery = { body: Buffer.from(body), id: 'unused', nowMs: world.clock.now() };
    const headers = signDelivery({ scheme: 'slack' }, SECRET, delivery);
    const known = world.queue.tasks.size;
    const { status, text } = await post(path, { headers, body });
    assert.deepEqual([status, text], [200, '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd']);
    assert.equal((await post(path, { headers: {}, body })).status, 401);
    assert.equal(world.queue.tasks.size, known);
    const command = Buffer.from('command=%2Fdeploy&text=website');
    const sent = signDelivery({ scheme: 'slack' }, SECRET, { ...delivery, body: command });
    const form = { ...sent, 'content-type': 'application/x-www-form-urlencoded' };
    assert.equal((await post(path, { headers: form, body: command.toString() })).status, 200);
    assert.deepEqual(newestTask().said, { command: '/deploy', text: 'website' });
  });

  it('whose time stamp is older than the tolerance is refused', async () => {
    const path = await add('old', { scheme: 'stripe', secrets: [SECRET], toleranceSeconds: 60 });
    const at = new Date(world.clock.now() - 61_000);
    const headers = (await SENDERS.stripe?.sign('{}', at)) ?? {};
    assert.equal((await post(path, { headers, body: '{}' })).status, 401);
    const { fires } = (await world.send('/api/hooks/v1/hooks/g/h/fires')).json;
    const { outcome, detail } = fires.find((fire: { detail: { webhook: string } }) => fire.detail.webhook === 'old');
    assert.deepEqual([outcome, detail.check], ['rejected', 'too-old']);
  });
});
