// Who may do what with webhooks: whoever may change the hook, and nobody with a scope less.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Hooks } from '#client';
import { echoHook, rootClients } from '../support/client.ts';
import { serveQuickly } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';

it('a webhook is set by who may define its hook, and shown and removed by who may modify it', async (context) => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const { credentials: root } = await serveQuickly(t);
  const { auth, hooks } = rootClients(root);
  await hooks.createHook('g', 'h', echoHook());
  const clientWith = async (clientId: string, scopes: string[]) => {
    const { accessToken } = await auth.createClient(clientId, {
      expires: '2100-01-01T00:00:00Z',
      description: '',
      scopes,
    });
    return new Hooks({ rootUrl: root.rootUrl, credentials: { clientId, accessToken }, retries: 0 });
  };
  const owner = await clientWith('owner', ['hooks:modify-hook:g/h', 'assume:hook-id:g/h']);
  const modifier = await clientWith('modifier', ['hooks:modify-hook:g/h']);
  const assumer = await clientWith('assumer', ['assume:hook-id:g/h', 'hooks:get:g:h', 'hooks:modify-hook:g/other']);
  const settings = { scheme: 'none' } as const;
  const refused = { code: 'InsufficientScopes', statusCode: 403 };

  const { url } = await owner.putWebhook('g', 'h', 'w', settings);
  for (const hooks of [modifier, assumer]) {
    await assert.rejects(hooks.putWebhook('g', 'h', 'w', settings), refused);
    await assert.rejects(hooks.rotateWebhookSecret('g', 'h', 'w', {}), refused);
  }
  assert.equal((await modifier.webhook('g', 'h', 'w')).url, url);
  assert.equal((await modifier.listWebhooks('g', 'h')).webhooks.length, 1);
  await assert.rejects(assumer.webhook('g', 'h', 'w'), refused);
  await assert.rejects(assumer.listWebhooks('g', 'h'), refused);
  await assert.rejects(assumer.removeWebhook('g', 'h', 'w'), refused);
  await modifier.removeWebhook('g', 'h', 'w');
  assert.deepEqual(await owner.listWebhooks('g', 'h'), { webhooks: [] });
});
