// Webhooks for tests: set over the API, and used as GitHub does.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { definition } from './definitions.ts';
import { createWorld, type Server, type ServerOptions, type World } from './world.ts';

export const HOOKS = '/api/hooks/v1/hooks';
export const SECRET = 'It is a secret to everybody';

/** A task that says what its template sees. */
export const SAYS_ALL = {
  task: { payload: { said: { $eval: 'payload' }, webhook: { $eval: 'webhook' }, by: { $eval: 'firedBy' } } },
};

export const sign = (body: string | Buffer, secret = SECRET): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

type Headers = Readonly<Record<string, string>>;

export const talkTo = ({ send, url }: Pick<Server, 'send' | 'url'>) => ({
  put: (name: string, settings: object, hook = 'g/h') =>
    send(`${HOOKS}/${hook}/webhooks/${name}`, { method: 'PUT', body: JSON.stringify(settings) }),
  deliver: (to: string, body: string | Buffer, headers: Headers = {}) =>
    send(to.replace(url, ''), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-hub-signature-256': sign(body),
        'x-github-event': 'push',
        ...headers,
      },
      body,
    }),
  /** Newest first. */
  // biome-ignore lint/suspicious/noExplicitAny: they are what the test says they are.
  fires: async (): Promise<any[]> => (await send(`${HOOKS}/g/h/fires`)).json.fires,
});

export type WebhookWorld = World & { readonly clock: FakeClock } & Server & ReturnType<typeof talkTo>;

/** One server, and the hook `g/h`. */
export const startWorld = async (
  t: Parameters<typeof createWorld>[0],
  options: ServerOptions = { isIdle: true },
): Promise<WebhookWorld> => {
  const clock = createFakeClock();
  const world = await createWorld(t, { clock });
  const server = await world.start(options);
  await server.hooks.createHook('g', 'h', definition(SAYS_ALL));
  return { ...world, clock, ...server, ...talkTo(server) };
};

/** With a webhook, of the scheme github unless it is another one; `to` is its address. */
export const startWithWebhook = async (
  t: Parameters<typeof createWorld>[0],
  settings: object = {},
  options?: ServerOptions,
): Promise<WebhookWorld & { readonly to: string }> => {
  const world = await startWorld(t, options);
  const { status, json, text } = await world.put('push', { scheme: 'github', secrets: [SECRET], ...settings });
  assert.equal(status, 200, text);
  return { ...world, to: json.url };
};
