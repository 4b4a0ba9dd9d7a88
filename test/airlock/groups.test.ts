// Groups through the clients that people have: what one ship does another reads, and hears of.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Cleanup } from '../support/database.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { connectTlonApi, connectUrbit, NEEDS_TLON, pokeWith, type Ran, runTlon, serveAirlock } from './support.ts';

const cleanup = lastFirst({ after });
const SHIPS = ['~zod', '~nec', '~bud', '~fes'] as const;
const server = await serveAirlock(cleanup, SHIPS);

// biome-ignore lint/suspicious/noExplicitAny: answers of the server are what the test says they are.
type Loose = any;

const said = ({ stdout, stderr }: Ran): string => `${stdout}\n${stderr}`;

/** The command as a ship. */
const tlon = async (t: Cleanup, ship: string, ...args: readonly string[]): Promise<string> => {
  const ran = await runTlon(t, server, ship, ...args);
  assert.equal(ran.status, 0, `${args.join(' ')}: ${said(ran)}`);
  return said(ran);
};
const groups = (t: Cleanup, ship: string, command: string, ...args: readonly string[]) =>
  tlon(t, ship, 'groups', command, ...args);

/** A ship that looks and listens: what it is told of its groups and of others, by flag. */
const connect = async (ship: string) => {
  const urbit = await connectUrbit(cleanup, server, ship);
  const steps: Loose[] = [];
  const foreigns: Loose[] = [];
  const subscribe = (path: string, event: (fact: Loose) => void) => urbit.subscribe({ app: 'groups', path, event });
  await subscribe('/v2/groups', (fact) => steps.push(fact));
  await subscribe('/v1/foreigns', (fact) => foreigns.push(fact));
  await pokeWith(urbit, 'hood', 'helm-hi', ''); // the subscriptions were acked before
  return {
    urbit,
    group: (flag: string): Promise<Loose> => urbit.scry({ app: 'groups', path: `/v2/ui/groups/${flag}` }),
    foreign: async (flag: string): Promise<Loose> =>
      ((await urbit.scry({ app: 'groups', path: '/v1/foreigns' })) as Loose)[flag],
    /** Resolves when it is told of a step that has these keys inside: `seat.r-seat.add`. */
    hears: (flag: string, keys: string) =>
      eventually(`${ship} hears ${keys} of ${flag}`, () =>
        steps.some((fact) => {
          const reached = keys.split('.').reduce((at, key) => at?.[key], fact.flag === flag ? fact['r-group'] : null);
          return reached !== undefined && fact.flag === flag;
        }),
      ),
    hearsForeign: (flag: string, is: (foreign: Loose) => boolean) =>
      eventually(`${ship} hears of ${flag}`, () => foreigns.some((fact) => fact[flag] && is(fact[flag]))),
  };
};
const [zod, nec, bud, fes] = (await Promise.all(SHIPS.map(connect))) as [Reader, Reader, Reader, Reader];
type Reader = Awaited<ReturnType<typeof connect>>;

const act = (by: Reader, flag: string, action: object) =>
  pokeWith(by.urbit, 'groups', 'group-action-4', { group: { flag, 'a-group': action } });

let made = 0;
/** A new group of `~zod` with a channel, that these have joined. */
const newGroup = async (privacy: string, ...members: Reader[]): Promise<{ flag: string; nest: string }> => {
  made += 1;
  const [flag, nest] = [`~zod/group-${made}`, `chat/~zod/general-${made}`];
  const channels = [{ channelId: nest, meta: { title: 'General', description: '', image: '', cover: '' } }];
  const meta = { title: `Group ${made}`, description: '', image: '', cover: '' };
  const body = { groupId: flag, meta, guestList: [], channels };
  const names = { desk: 'groups', inputMark: 'group-create-thread', threadName: 'group-create-1' };
  await zod.urbit.thread({ ...names, outputMark: 'group-ui-2', body });
  await act(zod, flag, { entry: { privacy: 'public' } });
  for (const member of members) await pokeWith(member.urbit, 'groups', 'group-join', { flag, 'join-all': true });
  if (privacy !== 'public') await act(zod, flag, { entry: { privacy } });
  return { flag, nest };
};

const flagIn = (output: string): string => /~[a-z-]+\/[a-z0-9-]+/.exec(output)?.[0] ?? assert.fail(output);

describe('tlon groups', NEEDS_TLON, () => {
  it('creates groups, invites to them, and takes that back', async (t) => {
    const flag = flagIn(await groups(t, '~zod', 'create', 'My Group'));
    assert.match(await groups(t, '~zod', 'list'), /My Group/);
    assert.match(await groups(t, '~zod', 'info', flag), /My Group/);
    await groups(t, '~zod', 'invite', flag, '~nec', '~bud');
    await nec.hearsForeign(flag, ({ invites }) => invites[0]?.from === '~zod');
    await groups(t, '~zod', 'revoke-invite', flag, '~bud');
    await bud.hearsForeign(flag, ({ invites }) => invites.length === 0);
    assert.equal(await bud.foreign(flag), undefined);
    await groups(t, '~nec', 'accept-invite', flag);
    await nec.hears(flag, 'create');
    await zod.hears(flag, 'seat.r-seat.add');
    assert.ok((await zod.group(flag)).seats['~nec'].joined > 0);
    await groups(t, '~zod', 'invite', flag, '~fes');
    await groups(t, '~fes', 'reject-invite', flag);
    await zod.hears(flag, 'entry.pending.del');
    assert.deepEqual((await zod.group(flag)).admissions.invited, {});
    await groups(t, '~nec', 'leave', flag);
    await nec.hears(flag, 'delete');
    await assert.rejects(nec.group(flag), { status: 404 });
    assert.equal((await zod.group(flag)).seats['~nec'], undefined);
  });

  it('creates a group that another ship leads as well', async (t) => {
    const flag = flagIn(await groups(t, '~zod', 'create-owned', 'Theirs', '--owner', '~nec'));
    await nec.hearsForeign(flag, ({ invites }) => invites.length === 1);
    await groups(t, '~nec', 'join', flag);
    await groups(t, '~nec', 'add-role', flag, 'vip', '--title', 'VIP');
    await zod.hears(flag, 'role.r-role.add');
    assert.deepEqual((await zod.group(flag)).seats['~nec'].roles, ['admin']);
  });

  it('asks to come into a private group, and answers those who ask', async (t) => {
    const { flag, nest } = await newGroup('private');
    const asking = async () => Object.keys((await zod.group(flag)).admissions.requests);
    for (const back of ['rescind-request', 'cancel-join']) {
      await groups(t, '~nec', 'request-invite', flag);
      assert.deepEqual(await asking(), ['~nec']);
      assert.equal((await nec.foreign(flag)).progress, 'ask');
      await groups(t, '~nec', back, flag);
      assert.deepEqual(await asking(), []);
    }
    await zod.hears(flag, 'entry.ask.del');
    await groups(t, '~nec', 'join', flag);
    await groups(t, '~bud', 'join', flag);
    assert.deepEqual(await asking(), ['~nec', '~bud']);
    await groups(t, '~zod', 'reject-join', flag, '~bud');
    await bud.hearsForeign(flag, ({ progress }) => progress === null);
    await groups(t, '~zod', 'accept-join', flag, '~nec');
    await nec.hears(flag, 'create');
    assert.deepEqual((await nec.group(flag))['active-channels'], [nest]);
    assert.deepEqual(await asking(), []);
  });

  it('joins public groups at once, and finds no secret ones', async (t) => {
    const { flag } = await newGroup('secret');
    const stranger = await runTlon(t, server, '~fes', 'groups', 'join', flag);
    assert.notEqual(stranger.status, 0, said(stranger));
    await groups(t, '~zod', 'set-privacy', flag, 'public');
    await groups(t, '~fes', 'join', flag);
    await fes.hears(flag, 'create');
    await groups(t, '~zod', 'set-privacy', flag, 'private');
    await fes.hears(flag, 'entry.privacy');
    assert.equal((await fes.group(flag)).admissions.privacy, 'private');
    assert.match(await groups(t, '~fes', 'join', flag), /[Aa]lready a member/);
  });

  it('gives and takes roles', async (t) => {
    const { flag } = await newGroup('public', nec);
    const rolesOf = async (ship: string) => (await nec.group(flag)).seats[ship].roles;
    await groups(t, '~zod', 'add-role', flag, 'vip', '--title', 'VIP', '--description', 'Very');
    await nec.hears(flag, 'role.r-role.add');
    await groups(t, '~zod', 'update-role', flag, 'vip', '--title', 'Others');
    await nec.hears(flag, 'role.r-role.edit');
    assert.equal((await nec.group(flag)).roles.vip.title, 'Others');
    await groups(t, '~zod', 'assign-role', flag, 'vip', '~nec');
    await nec.hears(flag, 'seat.r-seat.add-roles');
    assert.deepEqual(await rolesOf('~nec'), ['vip']);
    await groups(t, '~zod', 'remove-role', flag, 'vip', '~nec');
    await nec.hears(flag, 'seat.r-seat.del-roles');
    await groups(t, '~zod', 'delete-role', flag, 'vip');
    await nec.hears(flag, 'role.r-role.del');
    await groups(t, '~zod', 'promote', flag, '~nec');
    assert.deepEqual(await rolesOf('~nec'), ['admin']);
    await groups(t, '~zod', 'demote', flag, '~nec');
    assert.deepEqual(await rolesOf('~nec'), []);
  });

  it('removes and bans members, also of a group that is private', async (t) => {
    const { flag } = await newGroup('private', nec, bud);
    await groups(t, '~zod', 'kick', flag, '~bud');
    await bud.hears(flag, 'delete');
    await nec.hears(flag, 'seat.r-seat.del');
    await groups(t, '~zod', 'ban', flag, '~bud');
    await nec.hears(flag, 'entry.ban.add-ships');
    assert.deepEqual((await nec.group(flag)).admissions.banned.ships, ['~bud']);
    const banned = await runTlon(t, server, '~bud', 'groups', 'request-invite', flag);
    assert.match(said(banned), /You are banned from this group/);
    await groups(t, '~zod', 'unban', flag, '~bud');
    await nec.hears(flag, 'entry.ban.del-ships');
    await groups(t, '~bud', 'request-invite', flag);
  });

  it('does what it then waits for in vain', async (t) => {
    const [{ flag }, other] = [await newGroup('public', nec), await newGroup('public', nec)];
    const inVain = async (...args: readonly string[]) => {
      const ran = await runTlon(t, server, '~zod', 'groups', ...args);
      assert.match(said(ran), /TimeoutError/);
      assert.equal(ran.status, 1);
    };
    const commands = [
      inVain('update', flag, '--title', 'New title', '--description', 'D'),
      inVain('create', 'Described', '--description', 'What it is'),
      inVain('delete', other.flag),
    ];
    await nec.hears(flag, 'meta');
    assert.deepEqual((await nec.group(flag)).meta, { title: 'New title', description: 'D', image: '', cover: '' });
    await nec.hears(other.flag, 'delete');
    await assert.rejects(nec.group(other.flag), { status: 404 });
    await Promise.all(commands);
    const own = (await zod.urbit.scry({ app: 'groups', path: '/v2/groups' })) as Record<string, Loose>;
    assert.ok(Object.values(own).some(({ meta }) => meta.title === 'Described' && meta.description === 'What it is'));
  });
});

describe('tlon channels', NEEDS_TLON, () => {
  it('makes, changes and shows the channels of a group', async (t) => {
    const { flag } = await newGroup('public', nec);
    await groups(t, '~zod', 'add-channel', flag, 'Projects', '--kind', 'heap', '--description', 'What we do');
    await nec.hears(flag, 'channel.r-channel.add');
    await tlon(t, '~zod', 'channels', 'create', flag, 'Talk', '--kind', 'chat');
    const channels = async (): Promise<[string, Loose][]> => Object.entries((await nec.group(flag)).channels);
    const nestOf = async (title: string) =>
      (await channels()).find(([, { meta }]) => meta.title === title)?.[0] ?? assert.fail(title);
    const [projects, talk] = [await nestOf('Projects'), await nestOf('Talk')];
    assert.match(projects, /^heap\/~zod\//);
    assert.deepEqual((await nec.group(flag)).sections.default.order.slice(0, 2), [talk, projects]);
    for (const command of ['groups', 'all']) assert.match(await tlon(t, '~nec', 'channels', command), /Talk/);
    assert.match(await tlon(t, '~nec', 'channels', 'info', talk), /Talk/);
    await tlon(t, '~zod', 'channels', 'rename', talk, 'Speech');
    await nec.hears(flag, 'channel.r-channel.edit');
    assert.equal(await nestOf('Speech'), talk);
    await tlon(t, '~zod', 'channels', 'update', talk, '--description', 'Words');
    const { description } = (await nec.group(flag)).channels[talk].meta;
    assert.deepEqual(JSON.parse(description), { description: 'Words' });
    await tlon(t, '~zod', 'channels', 'add-readers', flag, talk, 'admin');
    await nec.hears(flag, 'channel.r-channel.add-readers');
    await eventually(
      '~nec has left the channel',
      async () => !(await nec.group(flag))['active-channels'].includes(talk),
    );
    await tlon(t, '~zod', 'channels', 'del-readers', flag, talk, 'admin');
    assert.deepEqual((await nec.group(flag)).channels[talk].readers, []);
    const writers = async () =>
      ((await zod.urbit.scry({ app: 'channels', path: '/v5/channels' })) as Loose)[talk]?.perms.writers;
    await tlon(t, '~zod', 'channels', 'add-writers', talk, 'admin');
    assert.deepEqual(await writers(), ['admin']);
    await tlon(t, '~zod', 'channels', 'del-writers', talk, 'admin');
    assert.deepEqual(await writers(), []);
    await tlon(t, '~zod', 'channels', 'delete', talk);
    await nec.hears(flag, 'channel.r-channel.del');
    assert.equal((await nec.group(flag)).channels[talk], undefined);
  });
});

describe('@tloncorp/api', () => {
  it('reads groups, changes them, and is told of it', async (t) => {
    const { flag, nest } = await newGroup('public', nec);
    const [host, member] = await Promise.all(['~zod', '~nec'].map((ship) => connectTlonApi(t, server, ship)));
    assert.ok(host && member);
    const updates = await member.listen('subscribeGroups');
    await host.listen('subscribeGroups');
    await member.call('poke', { app: 'hood', mark: 'helm-hi', json: '' });
    const hears = (type: string) => eventually(type, () => updates.some((update) => update.type === type));
    const meta = { title: 'Ours', description: '', image: '', cover: '' };
    await host.call('updateGroupMeta', { groupId: flag, meta });
    await hears('editGroup');
    const navSection = { sectionId: 'side', title: 'Side' };
    await host.call('addNavSection', { groupId: flag, navSection });
    await host.call('addChannelToNavSection', { groupId: flag, navSectionId: 'side', channelId: nest });
    await hears('addChannelToNavSection');
    const group = await member.call('getGroup', flag);
    assert.deepEqual(
      group.navSections.map((one: Loose) => [one.sectionId, one.channels.map((each: Loose) => each.channelId)]),
      [
        ['side', [nest]],
        ['default', []],
      ],
    );
    assert.ok(group.members.some((one: Loose) => one.contactId === '~nec' && one.status === 'joined'));
    const order = [{ sectionId: 'default', sectionIndex: 0, channels: [{ channelId: nest, channelIndex: 0 }] }];
    await host.call('updateGroupNavigation', { groupId: flag, navSections: order });
    await hears('deleteNavSection');
    await host.call('deleteGroup', flag);
    await hears('deleteGroup');
    assert.ok(!(await member.call('getGroups')).some((one: Loose) => one.id === flag));
  });

  it('finds groups of others, and is told of invitations', async (t) => {
    const { flag } = await newGroup('private');
    const stranger = await connectTlonApi(t, server, '~fes');
    const updates = await stranger.listen('subscribeGroups');
    const preview = await stranger.call('getGroupPreview', flag);
    assert.deepEqual([preview.privacy, preview.title], ['private', `Group ${made}`]);
    assert.ok((await stranger.call('findGroupsHostedBy', '~zod')).some((one: Loose) => one.id === flag));
    const host = await connectTlonApi(t, server, '~zod');
    await host.call('inviteGroupMembers', { groupId: flag, contactIds: ['~fes'] });
    const invited = (update: Loose) =>
      update.type === 'setUnjoinedGroups' && update.groups.some((one: Loose) => one.id === flag && one.haveInvite);
    await eventually('the invitation', () => updates.some(invited));
    await stranger.call('joinGroup', flag);
    await eventually('the group', () => updates.some(({ type, group }) => type === 'addGroup' && group.id === flag));
  });
});
