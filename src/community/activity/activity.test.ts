// Where an activity belongs, and how loud it is.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ActivitySource, IncomingEvent } from '../types/activity.ts';
import { keyOf, sourceOf, wayUp } from './sources.ts';
import { countsAsUnread, notifies, volumeKeyOf, volumeOf } from './volume.ts';

const key = { id: '~nec/170.141', time: '170.141' };
const place = { channel: 'chat/~zod/lounge', group: '~zod/club' };
const said = { key, ...place, content: [], mention: false };
const whom = { ship: '~nec' };
const dm = { key, whom, content: [], mention: false };
const group = { group: '~zod/club', ship: '~nec' };

const EVENTS: readonly [IncomingEvent, string, unreads: boolean, notify: boolean][] = [
  [{ post: said }, 'channel/chat/~zod/lounge', true, true],
  [{ 'chan-init': place }, 'channel/chat/~zod/lounge', false, false],
  [{ reply: { ...said, parent: key } }, 'thread/chat/~zod/lounge/170.141', true, false],
  [{ reply: { ...said, parent: key, mention: true } }, 'thread/chat/~zod/lounge/170.141', true, true],
  [{ 'dm-invite': { club: '0v1' } }, 'dm/0v1', false, true],
  [{ 'dm-post': dm }, 'dm/~nec', true, true],
  [{ 'dm-reply': { ...dm, parent: key } }, 'dm-thread/~nec/~nec/170.141', true, true],
  [{ 'flag-post': { key, ...place } }, 'group/~zod/club', false, true],
  [{ 'flag-reply': { key, parent: key, ...place } }, 'group/~zod/club', false, true],
  [{ 'group-ask': group }, 'group/~zod/club', false, true],
  [{ 'group-join': group }, 'group/~zod/club', false, false],
  [{ 'group-kick': group }, 'group/~zod/club', false, false],
  [{ 'group-invite': group }, 'group/~zod/club', false, true],
  [{ 'group-role': { ...group, roles: ['vip'] } }, 'group/~zod/club', false, false],
];

describe('an activity', () => {
  for (const [event, source, unreads, notify] of EVENTS) {
    it(`of ${volumeKeyOf(event)} shows in ${source}, is${unreads ? '' : ' not'} unread and is${notify ? '' : ' not'} told`, () => {
      const volume = volumeOf(event, {});
      assert.equal(keyOf(sourceOf(event)), source);
      assert.equal(countsAsUnread(volumeKeyOf(event), volume), unreads);
      assert.equal(notifies(event, volume, 'all'), notify);
      assert.equal(notifies(event, volume, 'none'), false);
    });
  }

  it('shows in all that is above its source', () => {
    const up = (source: ActivitySource) => wayUp(source).map(keyOf);
    assert.deepEqual(up(sourceOf({ reply: { ...said, parent: key } })), [
      ...['thread/chat/~zod/lounge/170.141', 'channel/chat/~zod/lounge', 'group/~zod/club', 'base'],
    ]);
    assert.deepEqual(up({ 'dm-thread': { key, whom } }), ['dm-thread/~nec/~nec/170.141', 'dm/~nec', 'base']);
    assert.deepEqual(up({ contact: '~nec' }), ['contact/~nec', 'base']);
  });

  it('is as loud as the nearest source says', () => {
    const silent = { unreads: false, notify: false };
    const loud = { unreads: true, notify: true };
    const post: IncomingEvent = { post: said };
    assert.deepEqual(volumeOf(post, { base: { post: silent } }), silent);
    assert.deepEqual(volumeOf(post, { base: { post: silent }, 'group/~zod/club': { post: loud } }), loud);
    assert.deepEqual(volumeOf(post, { base: { 'post-mention': silent } }), loud);
    assert.deepEqual(volumeOf({ post: { ...said, mention: true } }, { base: { 'post-mention': silent } }), silent);
  });

  it('is told at the level "some" only when somebody speaks to the ship or invites it', () => {
    const told = EVENTS.map(([event]) => event).filter((event) => notifies(event, volumeOf(event, {}), 'some'));
    assert.deepEqual(told.map(volumeKeyOf), [
      'post',
      'reply-mention',
      'dm-invite',
      'dm-post',
      'dm-reply',
      'group-invite',
    ]);
  });
});
