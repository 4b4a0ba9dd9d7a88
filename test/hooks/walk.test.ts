// Every method that the unmodified client knows, with everything that its contract says.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Ajv, type AnySchemaObject } from 'ajv';
import addFormats from 'ajv-formats';
import { systemClock } from '../../src/core/clock.ts';
import { type Clients, clientsOf, ECHO_SCOPES, echoHook, rootClients, taskcluster } from '../support/client.ts';
import { send } from '../support/request.ts';
import { type Server, serveQuickly } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';

type ScopeExpression = string | { readonly AllOf: readonly string[] };
type Entry = {
  readonly type: string;
  readonly name: string;
  readonly scopes?: ScopeExpression;
  readonly output?: string;
};

// biome-ignore lint/suspicious/noExplicitAny: answers are what the test says they are.
type Answer = any;
type Method = {
  /** After the hook's group and id; undefined: it is not about a hook. */
  readonly more?: (hook: { readonly token: string }) => readonly unknown[];
  readonly instead?: readonly unknown[];
  /** Whether the hook is there before the call. */
  readonly isNew?: true;
  readonly check: (answer: Answer, after: { readonly group: string; readonly id: string }) => void | Promise<void>;
};

const cleanup = lastFirst({ after });
const HOUR = 3_600_000;
const SLUG_ID = /^[A-Za-z0-9_-]{8}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$/;
const TASK = { ...echoHook().task, payload: { said: { $eval: 'payload' }, by: { $eval: 'firedBy' } } };
const DEFINITION = {
  ...echoHook({ task: TASK, schedule: ['0 0 1 * * *'], bindings: [] }),
  metadata: { ...echoHook().metadata, emailOnError: true },
};
const CHANGED = { ...echoHook({ schedule: [], triggerSchema: { type: 'object', title: 'changed' } }) };

let server: Server;
let root: Clients;
before(async () => {
  server = await serveQuickly(cleanup);
  root = rootClients(server.credentials);
});

// Named by a variable so that the compiler does not look for types that are not there.
const referencesName: string = 'taskcluster-client/src/apis.js';
const ENTRIES: readonly Entry[] = (await import(referencesName)).default.Hooks.reference.entries.filter(
  ({ type }: Entry) => type === 'function',
);

const isTriggered = async ({ taskId, status }: Answer, by: string) => {
  assert.match(taskId, SLUG_ID);
  assert.deepEqual(status, { taskId });
  assert.deepEqual((await root.queue.task(taskId)).payload, { said: { a: 1 }, by });
  assert.equal((await root.queue.status(taskId)).status.state, 'pending');
};

const METHODS: Readonly<Record<string, Method>> = {
  ping: {
    instead: [],
    check: ({ alive, uptime }) => {
      assert.equal(alive, true);
      assert.ok(uptime > 0);
    },
  },
  lbheartbeat: { instead: [], check: (answer) => assert.deepEqual(answer, {}) },
  heartbeat: { instead: [], check: (answer) => assert.deepEqual(answer, {}) },
  version: {
    instead: [],
    check: (answer) => assert.deepEqual(Object.keys(answer), ['version', 'commit', 'source', 'build']),
  },
  listHookGroups: {
    instead: [],
    check: ({ groups }) => {
      assert.ok(groups.includes('walk'));
      assert.deepEqual(groups, [...new Set<string>(groups)].sort());
    },
  },
  listHooks: {
    instead: ['walk'],
    check: ({ hooks }) => {
      const ids = hooks.map(({ hookId }: Answer) => hookId);
      assert.deepEqual(ids, ids.toSorted());
      assert.ok(ids.includes('listHooks/deep'));
      for (const hook of hooks) assert.equal(hook.hookGroupId, 'walk');
    },
  },
  hook: {
    check: (answer, { group, id }) => assert.deepEqual(answer, { ...DEFINITION, hookGroupId: group, hookId: id }),
  },
  getHookStatus: {
    check: ({ lastFire, nextScheduledDate }) => {
      assert.deepEqual(lastFire, { result: 'no-fire' });
      assert.match(nextScheduledDate, /T01:00:00\.000Z$/);
    },
  },
  createHook: {
    isNew: true,
    more: () => [DEFINITION],
    check: async (answer, { group, id }) => {
      assert.deepEqual(answer, { ...DEFINITION, hookGroupId: group, hookId: id });
      assert.deepEqual(await root.hooks.hook(group, id), answer);
    },
  },
  updateHook: {
    more: () => [CHANGED],
    check: async (answer, { group, id }) => {
      const { metadata } = DEFINITION;
      assert.deepEqual(answer, { ...CHANGED, metadata, bindings: [], hookGroupId: group, hookId: id });
      assert.deepEqual(await root.hooks.hook(group, id), answer);
    },
  },
  removeHook: {
    check: async (answer, { group, id }) => {
      assert.deepEqual(answer, {});
      await assert.rejects(root.hooks.hook(group, id), { statusCode: 404 });
    },
  },
  triggerHook: {
    more: () => [{ a: 1 }],
    check: async (answer, { group, id }) => {
      await isTriggered(answer, 'triggerHook');
      const { lastFires } = await root.hooks.listLastFires(group, id);
      assert.equal(lastFires[0].taskId, answer.taskId);
    },
  },
  getTriggerToken: {
    check: async (answer, { group, id }) => {
      assert.match(answer.token, SLUG_ID);
      assert.deepEqual(await root.hooks.getTriggerToken(group, id), answer);
    },
  },
  resetTriggerToken: {
    check: async (answer, { group, id }) => assert.deepEqual(await root.hooks.getTriggerToken(group, id), answer),
  },
  triggerHookWithToken: {
    more: ({ token }) => [token, { a: 1 }],
    check: (answer) => isTriggered(answer, 'triggerHookWithToken'),
  },
  listLastFires: {
    check: ({ lastFires }, { group, id }) => {
      assert.equal(lastFires.length, 1);
      const { taskId, taskCreateTime, ...rest } = lastFires[0];
      assert.match(taskId, SLUG_ID);
      assert.ok(Date.parse(taskCreateTime) <= systemClock.now());
      assert.deepEqual(rest, {
        ...{ hookGroupId: group, hookId: id, firedBy: 'triggerHook' },
        ...{ result: 'success', error: '', taskState: 'pending' },
      });
    },
  },
};

const requiredBy = ({ scopes }: Entry, group: string, id: string): string[] => {
  if (scopes === undefined) return [];
  const all = typeof scopes === 'string' ? [scopes] : scopes.AllOf;
  return all.map((scope) => scope.replaceAll('<hookGroupId>', group).replaceAll('<hookId>', id));
};

/** Temporary credentials of root, with these scopes only. */
const withScopes = (scopes: readonly string[]): Clients => {
  const { rootUrl, clientId, accessToken } = server.credentials;
  const credentials = taskcluster.createTemporaryCredentials({
    start: new Date(systemClock.now() - HOUR),
    expiry: new Date(systemClock.now() + HOUR),
    credentials: { clientId, accessToken },
    scopes,
  });
  return clientsOf(rootUrl, credentials);
};

type Made = { readonly group: string; readonly id: string; readonly token: string };

const make = async (id: string, { isNew }: Method): Promise<Made> => {
  const group = 'walk';
  await root.auth.createRole(`hook-id:${group}/${id}`, { scopes: ECHO_SCOPES, description: '' });
  if (isNew) return { group, id, token: '' };
  await root.hooks.createHook(group, id, DEFINITION);
  if (id.startsWith('listLastFires')) await root.hooks.triggerHook(group, id, {});
  const { token } = id.startsWith('triggerHookWithToken') ? await root.hooks.getTriggerToken(group, id) : { token: '' };
  return { group, id, token };
};

const call = (clients: Clients, name: string, { instead, more }: Method, hook: Made) =>
  clients.hooks[name](...(instead ?? [hook.group, hook.id, ...(more?.(hook) ?? [])]));

/** All that can be read of a hook, to see that a refused call changed nothing. */
const stateOf = async ({ group, id }: { group: string; id: string }) => {
  const read = async (name: string) =>
    root.hooks[name](group, id).catch(({ statusCode }: { statusCode: number }) => statusCode);
  return Promise.all(['hook', 'getHookStatus', 'listLastFires'].map(read));
};

const ajv = new Ajv({ strict: false });
(addFormats as unknown as (instance: Ajv) => void)(ajv);

const assertFits = async (output: string, answer: unknown) => {
  const reply = await send(server.url, `/schemas/hooks/${output.replace(/#$/, '')}`);
  assert.equal(reply.status, 200, `the schema ${output} is served`);
  const validate = ajv.compile({ ...(reply.json as AnySchemaObject), $id: `${output}${systemClock.monotonic()}` });
  assert.ok(validate(answer), JSON.stringify(validate.errors));
};

describe('the client’s own reference', () => {
  it('names sixteen methods, and each is walked through below', () => {
    assert.deepEqual(ENTRIES.map(({ name }) => name).sort(), Object.keys(METHODS).sort());
    assert.equal(ENTRIES.length, 16);
  });
});

for (const entry of ENTRIES) {
  const { name, scopes, output } = entry;
  describe(name, () => {
    const method = METHODS[name];
    if (!method) throw new Error(`nothing is said of ${name}`);

    it('does what the contract says for a caller with exactly the scopes it requires', async () => {
      const hook = await make(`${name}/deep`, method);
      const clients = scopes === undefined ? clientsOf(server.url) : withScopes(requiredBy(entry, hook.group, hook.id));
      const answer = await call(clients, name, method, hook);
      if (output !== undefined) await assertFits(output, answer);
      await method.check(answer, hook);
    });

    if (scopes === undefined)
      it('cares for no credentials, not even wrong ones', async () => {
        const hook = await make(`${name}-wrong`, method);
        const answer = await call(clientsOf(server.url, { clientId: 'nobody', accessToken: 'x' }), name, method, hook);
        await method.check(answer, hook);
      });
    if (scopes === undefined) return;

    it('is refused without credentials, and nothing happens', async () => {
      const hook = await make(`${name}-anonymous`, method);
      const earlier = await stateOf(hook);
      const refused: Answer = await call(clientsOf(server.url), name, method, hook).catch((error: unknown) => error);
      assert.deepEqual([refused.statusCode, refused.code], [403, 'InsufficientScopes']);
      for (const scope of requiredBy(entry, hook.group, hook.id)) assert.ok(refused.message.includes(scope), scope);
      assert.deepEqual(await stateOf(hook), earlier);
    });

    it('is refused for want of any one scope, which is named, and nothing happens', async () => {
      const hook = await make(`${name}-lacking`, method);
      const earlier = await stateOf(hook);
      const ofAllMethods = ENTRIES.flatMap((one) => requiredBy(one, hook.group, hook.id));
      const ofNeighbours = ENTRIES.flatMap((one) => requiredBy(one, hook.group, `${hook.id}2`));
      for (const lacking of requiredBy(entry, hook.group, hook.id)) {
        const others = [...new Set([...ofAllMethods, ...ofNeighbours])].filter((scope) => scope !== lacking);
        const refused: Answer = await call(withScopes(others), name, method, hook).catch((error: unknown) => error);
        assert.deepEqual([refused.statusCode, refused.code], [403, 'InsufficientScopes'], lacking);
        const missing = /missing the following scopes:\n\n```\n([^`]*)\n```/.exec(refused.message)?.[1];
        assert.equal(missing, lacking);
      }
      assert.deepEqual(await stateOf(hook), earlier);
    });
  });
}
