import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClientCache } from './clients/client-cache.ts';
import { createRoleCache } from './roles/role-cache.ts';
import type { RoleDefinition } from './roles/role-index.ts';

describe('the cache of clients', () => {
  const source = () => {
    const answers = new Map<string, string>();
    const waiting: (() => void)[] = [];
    const asked: string[] = [];
    let held = false;
    const load = async (id: string) => {
      asked.push(id);
      const answer = answers.get(id); // as a database: what was committed when the question came
      if (held) await new Promise<void>((resolve) => waiting.push(resolve));
      return answer;
    };
    const hold = () => {
      held = true;
    };
    const release = () => {
      held = false;
      for (const go of waiting.splice(0)) go();
    };
    return { answers, asked, load, hold, release };
  };

  it('asks once, and again after a change', async () => {
    const { answers, asked, load } = source();
    answers.set('c', 'old');
    const cache = createClientCache(load);
    assert.deepEqual(await Promise.all([cache.get('c'), cache.get('c')]), ['old', 'old']);
    assert.equal(cache.get('c'), 'old', 'at once');
    answers.set('c', 'new');
    cache.forget('c');
    assert.equal(await cache.get('c'), 'new');
    assert.equal(asked.length, 2);
  });

  it('does not keep an answer from before a change', async () => {
    const { answers, load, hold, release } = source();
    answers.set('c', 'old');
    const cache = createClientCache(load);
    hold();
    const early = cache.get('c');
    answers.set('c', 'new');
    cache.forget('c');
    const late = cache.get('c');
    release();
    assert.equal(await late, 'new', 'who asks after the change gets it');
    assert.equal(await early, 'old');
    assert.equal(await cache.get('c'), 'new');
  });

  it('does not keep clients that do not exist', async () => {
    const { asked, load } = source();
    const cache = createClientCache(load);
    await cache.get('x');
    await cache.get('x');
    assert.equal(asked.length, 2);
  });

  it('asks the database each time while changes are not heard', async () => {
    const { answers, asked, load } = source();
    answers.set('c', 'old');
    const cache = createClientCache(load);
    await cache.get('c');
    cache.trust(false);
    answers.set('c', 'new');
    assert.equal(await cache.get('c'), 'new');
    assert.equal(await cache.get('c'), 'new');
    answers.set('c', 'newer');
    cache.trust(true);
    assert.equal(await cache.get('c'), 'newer');
    assert.equal(await cache.get('c'), 'newer');
    assert.equal(asked.length, 4);
  });

  it('passes a failure on, and does not keep it', async () => {
    let fails = true;
    const cache = createClientCache(async () => {
      if (fails) throw new Error('away');
      return 'c';
    });
    await assert.rejects(async () => cache.get('c'));
    fails = false;
    assert.equal(await cache.get('c'), 'c');
  });
});

describe('the cache of roles', () => {
  const source = () => {
    let revision = 1;
    let roles: RoleDefinition[] = [];
    const lists: number[] = [];
    let gate: Promise<void> | undefined;
    return {
      set: (scopes: string[]) => {
        revision += 1;
        roles = [{ roleId: 'r', scopes }];
        return revision;
      },
      lists,
      gate: (until: Promise<void> | undefined) => {
        gate = until;
      },
      source: {
        revision: async () => revision,
        list: async () => {
          lists.push(revision);
          const answer = roles;
          await gate;
          return answer;
        },
      },
    };
  };

  it('is read once for each revision, and not again for the notification of a change of its own process', async () => {
    const { set, lists, source: from } = source();
    set(['a']);
    const cache = createRoleCache(from);
    assert.deepEqual((await cache.current()).expand(['assume:r']), ['a', 'assume:r']);
    const revision = set(['b']);
    cache.changed(revision);
    assert.deepEqual((await cache.current()).expand(['assume:r']), ['assume:r', 'b']);
    cache.changed(revision);
    await cache.current();
    assert.equal(lists.length, 2);
  });

  it('does not let a slow old answer replace a new one', async () => {
    const { set, gate, source: from } = source();
    set(['old']);
    const cache = createRoleCache(from);
    let open = () => {};
    gate(
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    const early = cache.current();
    await new Promise(setImmediate);
    gate(undefined);
    cache.changed(set(['new']));
    assert.deepEqual((await cache.current()).expand(['assume:r']), ['assume:r', 'new']);
    open();
    await early;
    assert.deepEqual((await cache.current()).expand(['assume:r']), ['assume:r', 'new']);
  });

  it('asks for the revision each time while changes are not heard, and reads roles only when it changed', async () => {
    const { set, lists, source: from } = source();
    set(['a']);
    const cache = createRoleCache(from);
    await cache.current();
    cache.trust(false);
    await cache.current();
    assert.equal(lists.length, 1);
    set(['b']);
    assert.deepEqual((await cache.current()).expand(['assume:r']), ['assume:r', 'b']);
    set(['c']);
    cache.trust(true);
    assert.deepEqual((await cache.current()).expand(['assume:r']), ['assume:r', 'c']);
    await cache.current();
    assert.equal(lists.length, 3);
  });
});
