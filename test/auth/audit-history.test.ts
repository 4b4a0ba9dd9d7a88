// Who did what to clients, roles and hooks, as the real client asks for it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Clients, clientsOf, echoHook, rootClients } from '../support/client.ts';
import { type Server, serveQuickly } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';

type Entry = { clientId: string; actionType: string; created: string; entityType: string; entityId: string };
type Page = { auditHistory: Entry[]; continuationToken?: string };

const EXPIRES = '2090-01-01T00:00:00.000Z';
const client = (more: object = {}) => ({ expires: EXPIRES, description: 'd', scopes: [], ...more });

const cleanup = lastFirst({ after });
let server: Server;
let root: Clients;
before(async () => {
  server = await serveQuickly(cleanup);
  root = rootClients(server.credentials);
});

const actions = ({ auditHistory }: Page) => auditHistory.map(({ actionType }) => actionType);

describe('the history of an entity', () => {
  it('of a client is told newest first, with who did it and when, and outlives the client', async () => {
    await root.auth.createClient('h/client', client());
    await root.auth.updateClient('h/client', client({ description: 'other' }));
    await root.auth.disableClient('h/client');
    await root.auth.enableClient('h/client');
    await root.auth.resetAccessToken('h/client');
    await root.auth.deleteClient('h/client');
    const answer = await root.auth.getEntityHistory('client', 'h/client');
    assert.deepEqual(Object.keys(answer), ['auditHistory']);
    const expected = ['deleted', 'access token reset', 'client enabled', 'client disabled', 'updated', 'created'];
    assert.deepEqual(actions(answer), expected);
    const [{ created, ...deleted }] = answer.auditHistory;
    assert.deepEqual(deleted, {
      ...{ clientId: 'root', actionType: 'deleted' },
      ...{ entityId: 'h/client', entityType: 'client' },
    });
    assert.match(created, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('of a role has what was done to it, whatever is in its id', async () => {
    await root.auth.createRole('h:role/ *', { description: '', scopes: [] });
    await root.auth.deleteRole('h:role/ *');
    assert.deepEqual(actions(await root.auth.getEntityHistory('role', 'h:role/ *')), ['deleted', 'created']);
  });

  it('of a hook calls what was done as it is called of others, and tells of its tokens without them', async () => {
    await root.hooks.createHook('h', 'one/of/them', echoHook());
    const { token } = await root.hooks.getTriggerToken('h', 'one/of/them');
    await root.hooks.resetTriggerToken('h', 'one/of/them');
    await root.hooks.updateHook('h', 'one/of/them', echoHook({ schedule: ['0 0 3 * * *'] }));
    await root.hooks.removeHook('h', 'one/of/them');
    const answer = await root.auth.getEntityHistory('hook', 'h/one/of/them');
    const tokens = ['trigger token reset', 'trigger token created'];
    assert.deepEqual(actions(answer), ['deleted', 'updated', ...tokens, 'created']);
    assert.ok(!JSON.stringify(answer).includes(token));
  });

  it('of what never was there is empty', async () => {
    for (const [type, id] of Object.entries({
      client: 'no',
      role: 'no',
      hook: 'no',
      secret: 's',
      worker_pool: 'w/p',
    })) {
      assert.deepEqual(await root.auth.getEntityHistory(type, id), { auditHistory: [] }, type);
    }
  });

  it('of a kind that does not exist, or at a place that does not, is bad input', async () => {
    const bad = async (...args: unknown[]) => {
      await assert.rejects(root.auth.getEntityHistory(...args), { statusCode: 400 }, JSON.stringify(args));
    };
    await bad('task', 'x');
    await bad('client', 'root', { limit: 0 });
    await bad('client', 'root', { limit: 'many' });
    await bad('client', 'root', { continuationToken: 'elsewhere' });
  });
});

describe('the history of what a client did', () => {
  it('has clients, roles and hooks in one order, and its pages stay as they are while more is done', async () => {
    const scopes = ['auth:*', 'hooks:*', 'assume:hook-id:p/*'];
    const { accessToken } = await root.auth.createClient('h/doer', client({ scopes }));
    const { auth, hooks } = clientsOf(server.url, { clientId: 'h/doer', accessToken });
    for (const number of [1, 2, 3]) {
      await auth.createRole(`h-role-${number}`, { description: '', scopes: [] });
      await hooks.createHook('p', `hook-${number}`, echoHook());
      await auth.createClient(`h/made-${number}`, client());
    }
    const expected = [3, 2, 1].flatMap((at) => [`h/made-${at}`, `p/hook-${at}`, `h-role-${at}`]);

    const found: string[] = [];
    let continuationToken: string | undefined;
    do {
      const query = { limit: 2, ...(continuationToken && { continuationToken }) };
      const page: Page = await root.auth.listAuditHistory('h/doer', query);
      assert.ok(page.auditHistory.length <= 2);
      found.push(...page.auditHistory.map(({ entityId }) => entityId));
      continuationToken = page.continuationToken;
      await hooks.updateHook('p', 'hook-2', echoHook({ schedule: [`0 0 ${found.length} * * *`] }));
    } while (continuationToken !== undefined);
    assert.deepEqual(found, expected);
    const [newest] = (await root.auth.listAuditHistory('h/doer', { limit: 1 })).auditHistory;
    assert.deepEqual([newest.actionType, newest.entityType, newest.entityId], ['updated', 'hook', 'p/hook-2']);
  });

  it('is empty of who did nothing, and refuses an id that cannot be', async () => {
    assert.deepEqual(await root.auth.listAuditHistory('h/nobody'), { auditHistory: [] });
    await assert.rejects(root.auth.listAuditHistory('no client'), { statusCode: 400 });
  });
});
