// Contacts and settings through the real clients: what one ship wrote is read by another.
import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import { eventually, lastFirst } from '../support/wait.ts';
import { connectTlonApi, connectUrbit, NEEDS_TLON, pokeWith, runTlon, serveAirlock } from './support.ts';

const cleanup = lastFirst({ after });
const server = await serveAirlock(cleanup, ['~zod', '~nec', '~bud']);

const tlon = async (t: TestContext, ship: string, ...args: readonly string[]): Promise<string> => {
  const { status, stdout, stderr } = await runTlon(t, server, ship, ...args);
  assert.equal(status, 0, `tlon ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};

describe('tlon contacts', NEEDS_TLON, () => {
  it('shows to others what a ship says of itself', async (t) => {
    const zod = await connectUrbit(t, server, '~zod');
    const news: unknown[] = [];
    await zod.subscribe({ app: 'contacts', path: '/v1/news', event: (fact: unknown) => news.push(fact) });
    await tlon(t, '~zod', 'contacts', 'sync', '~nec');
    const images = ['--avatar', 'https://a.example/n.png', '--cover', 'https://a.example/c.png'];
    const profile = ['--nickname', 'Nec', '--bio', 'a galaxy', '--status', 'here', ...images];
    await tlon(t, '~nec', 'contacts', 'update-profile', ...profile);
    const self = await tlon(t, '~nec', 'contacts', 'self');
    const seen = await tlon(t, '~zod', 'contacts', 'get', '~nec');
    for (const text of ['Nec', 'a galaxy', 'here']) {
      assert.ok(self.includes(text), self);
      assert.ok(seen.includes(text), seen);
    }
    const contact = {
      nickname: { type: 'text', value: 'Nec' },
      bio: { type: 'text', value: 'a galaxy' },
      status: { type: 'text', value: 'here' },
      avatar: { type: 'look', value: 'https://a.example/n.png' },
      cover: { type: 'look', value: 'https://a.example/c.png' },
    };
    await eventually('it is told', () => news.length === 2);
    assert.deepEqual(news, [{ peer: { who: '~nec', contact: {} } }, { peer: { who: '~nec', contact } }]);
  });

  it('shows whoever shares a conversation, without a sync', async (t) => {
    await tlon(t, '~nec', 'contacts', 'update-profile', '--nickname', 'Known Nec');
    assert.doesNotMatch(await tlon(t, '~bud', 'contacts', 'get', '~nec'), /Known Nec/);
    await tlon(t, '~nec', 'posts', 'send', '~bud', 'hi');
    assert.match(await tlon(t, '~bud', 'contacts', 'get', '~nec'), /Known Nec/);
  });

  it('keeps a book for its ship alone', async (t) => {
    await tlon(t, '~zod', 'contacts', 'add', '~bud');
    await tlon(
      t,
      '~zod',
      'contacts',
      'update',
      '~bud',
      '--nickname',
      'my friend',
      '--avatar',
      'https://a.example/b.png',
    );
    const listed = async (ship: string) => {
      const contacts: { ship: string; isContact: boolean }[] = JSON.parse(await tlon(t, ship, 'contacts', 'list'));
      return contacts.filter(({ isContact }) => isContact).map((contact) => contact.ship);
    };
    assert.deepEqual([await listed('~zod'), await listed('~nec')], [['~bud'], []]);
    // The command does not show what was added to a page.
    const zod = await connectUrbit(t, server, '~zod');
    assert.deepEqual(await zod.scry({ app: 'contacts', path: '/v1/book/~bud' }), [
      {},
      { nickname: { type: 'text', value: 'my friend' }, avatar: { type: 'look', value: 'https://a.example/b.png' } },
    ]);
    assert.doesNotMatch(await tlon(t, '~bud', 'contacts', 'self'), /my friend/);
    await tlon(t, '~zod', 'contacts', 'remove', '~bud');
    assert.deepEqual(await listed('~zod'), []);
  });

  it('is refused in one line', async (t) => {
    const refused = await runTlon(t, server, '~zod', 'contacts', 'add', '~sampel-palnet');
    assert.deepEqual(
      [refused.status, /^Error: (.*)$/m.exec(refused.stderr)?.[1]],
      [1, 'There is no ship ~sampel-palnet here.'],
    );
  });
});

describe('@tloncorp/api and @urbit/http-api', NEEDS_TLON, () => {
  it('see the same contacts', async (t) => {
    const [bud, nec] = [await connectTlonApi(t, server, '~bud'), await connectUrbit(t, server, '~nec')];
    const updates = await bud.listen('subscribeToContactUpdates');
    await bud.call('syncUserProfiles', ['~nec']);
    await bud.call('updateContactMetadata', '~nec', { nickname: 'x' }).catch(() => {}); // there is no page yet
    await pokeWith(nec, 'contacts', 'contact-action-1', { self: { status: { type: 'text', value: 'away' } } });
    await eventually('it is told', () => updates.some(({ contact }) => contact?.status === 'away'));
    const contacts: { id: string; status: string | null }[] = await bud.call('getContacts');
    assert.equal(contacts.find(({ id }) => id === '~nec')?.status, 'away');
    await bud.call('updateSigilColor', '#ff00ff');
    const peer = await bud.call('scry', { app: 'contacts', path: '/v1/self' });
    assert.deepEqual(peer, { color: { type: 'tint', value: 'ff.00ff' } });
  });

  it('keeps settings for its ship, which other clients of it read', async (t) => {
    const [zod, bud] = [await connectTlonApi(t, server, '~zod'), await connectTlonApi(t, server, '~bud')];
    const told = await zod.listen('subscribeToSettings');
    await zod.call('setSetting', 'theme', 'dark');
    assert.equal((await zod.call('getSettings')).settings.theme, 'dark');
    assert.equal((await bud.call('getSettings')).settings.theme, undefined);
    await eventually('it is told', () => told.length > 0);
    assert.deepEqual(told, [{ type: 'updateSetting', setting: { theme: 'dark' } }]);
    assert.equal((await zod.call('getAppInfo')).groupsVersion, 'n/a');
    const set = await runTlon(t, server, '~zod', 'settings', 'allow-dm', '~nec');
    assert.equal(set.status, 0, set.stderr);
    assert.match((await runTlon(t, server, '~zod', 'settings', 'get')).stdout, /"dmAllowlist": \[\s+"~nec"/);
  });
});
