// What the tlon command lists of the conversations of a ship.
import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { lastFirst } from '../support/wait.ts';
import { connectTlonApi, NEEDS_TLON, runTlon, serveAirlock } from './support.ts';

const cleanup = lastFirst({ after });
const server = await serveAirlock(cleanup, ['~zod', '~nec']);

it('the tlon command lists conversations and clubs, and whether one is invited', NEEDS_TLON, async (t) => {
  const id = '0v4.00000.qcas9.qndoa.7loa7.loa7l';
  const zod = await connectTlonApi(t, server, '~zod');
  const message = { authorId: '~zod', sentAt: 1_743_465_600_000, content: [{ inline: ['hi'] }] };
  await zod.call('sendPost', { channelId: '~nec', ...message });
  await zod.call('createGroupDm', { id, members: ['~nec'] });
  for (const [ship, other, status] of [
    ['~zod', '~nec', 'joined'],
    ['~nec', '~zod', 'invited'],
  ] as const) {
    const list = async (what: string) => {
      const { status: exit, stdout, stderr } = await runTlon(t, server, ship, 'channels', what);
      assert.equal(exit, 0, stdout + stderr);
      return JSON.parse(stdout);
    };
    assert.deepEqual(await list('dms'), [{ type: 'dm', id: other, contact: other }]);
    const [club] = await list('group-dms');
    assert.deepEqual([club.id, club.members, club.invited, club.status], [id, ['~zod'], ['~nec'], status]);
  }
});
