// Commands on posts: who may do what, the event that comes of each, and the post after it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LARGEST_CONTENT } from '../contents.ts';
import { decoder } from '../schema/decode.ts';
import { idFromMillis, withDots } from '../schema/id.ts';
import type { ActionPost, ActionReply } from '../types/channels.ts';
import { Event } from '../types/event.ts';
import type { Essay, Memo, VPost } from '../types/posts.ts';
import { newPostId } from './new-post-id.ts';
import { type KnownPost, postIdOf, type Standing, whyNot } from './post-command.ts';
import { applyEvent, denialOf, eventOf, reactorOf } from './post-event.ts';

const HOST = '~zod';
const [AUTHOR, OTHER] = ['~nec', '~sampel-palnet'] as const;
const ID = String(idFromMillis(1_743_465_600_000));
const REPLY = String(idFromMillis(1_743_465_611_000));
const NEW = String(idFromMillis(1_743_465_700_000));

const memo = (author: string = AUTHOR, text = 'hi'): Memo => ({ content: [{ inline: [text] }], author, sent: 1 });
const essay = (author?: string, text?: string): Essay => ({ ...memo(author, text), 'kind-data': { chat: null } });
const POST: VPost = {
  seal: {
    id: ID,
    replies: { [withDots(REPLY)]: { id: REPLY, reacts: {}, revision: '0', ...memo(AUTHOR, 'me too') } },
    reacts: { [OTHER]: { revision: '0', react: '👍' } },
  },
  revision: '0',
  essay: essay(),
};

const as = (actor: string, more: Partial<Standing> = {}): Standing => ({
  ...{ actor, host: HOST, kind: 'chat', isAdmin: actor === HOST, mayWrite: true },
  ...more,
});
const inThread = (action: ActionReply): ActionPost => ({ reply: { id: ID, action } });
const eventFor = (action: ActionPost, post: KnownPost = POST) => eventOf(action, post, NEW);
const after = (action: ActionPost, post: VPost = POST): VPost | 'deleted' | undefined => {
  const event = eventFor(action, post) ?? assert.fail('no event');
  return applyEvent(event, event)?.post;
};

/** The post that hooks leave behind when they make `final` of `original`. */
const left = (original: Event, final: Event): VPost => {
  const post = applyEvent(original, final)?.post;
  return post === undefined || post === 'deleted' ? assert.fail(`no post: ${post}`) : post;
};

describe('who may act on a post', () => {
  const admin = as(OTHER, { isAdmin: true });
  const edit = (by: string): ActionPost => ({ edit: { id: ID, essay: essay(by) } });
  const editReply: ActionPost = inThread({ edit: { id: REPLY, memo: memo() } });
  const table: readonly [string, ActionPost, Standing, boolean][] = [
    ['a member posts as they are', { add: essay(AUTHOR) }, as(AUTHOR), true],
    ['nobody else posts in their name', { add: essay(AUTHOR) }, as(OTHER), false],
    ['nor does an admin', { add: essay(AUTHOR) }, admin, false],
    ['the host posts as anybody', { add: essay(AUTHOR) }, as(HOST), true],
    ['the author edits', edit(AUTHOR), as(AUTHOR), true],
    ['the author does not give the post away', edit(OTHER), as(AUTHOR), false],
    ['others do not edit', edit(OTHER), as(OTHER), false],
    ['admins edit', edit(AUTHOR), admin, true],
    ['the author deletes', { del: ID }, as(AUTHOR), true],
    ['others do not delete', { del: ID }, as(OTHER), false],
    ['admins delete', { del: withDots(ID) }, admin, true],
    ['others reply', inThread({ add: memo(OTHER) }), as(OTHER), true],
    ['nobody replies in another name, not even the host', inThread({ add: memo(AUTHOR) }), as(HOST), false],
    ['the author edits a reply', editReply, as(AUTHOR), true],
    ['admins do not edit a reply', editReply, admin, false],
    ['the author deletes a reply', inThread({ del: REPLY }), as(AUTHOR), true],
    ['others do not delete a reply', inThread({ del: REPLY }), as(OTHER), false],
    ['admins delete a reply', inThread({ del: REPLY }), admin, true],
    ['hooks see whoever claims to react', { 'add-react': { id: ID, ship: AUTHOR, react: '🎉' } }, as(OTHER), true],
  ];
  for (const [title, action, standing, may] of table) {
    it(title, () => {
      const reason = whyNot(standing, action, POST);
      assert.equal(reason === undefined, may, reason);
      assert.ok(whyNot({ ...standing, mayWrite: false }, action, POST), 'those who may not write may nothing');
    });
  }

  it('asks for the kind data of the channel', () => {
    assert.match(whyNot(as(AUTHOR, { kind: 'diary' }), { add: essay() }, undefined) ?? '', /kind data of diary/);
  });

  it('bounds the content', () => {
    const large = essay(AUTHOR, 'x'.repeat(LARGEST_CONTENT));
    for (const action of [
      { add: large },
      { edit: { id: ID, essay: large } },
      inThread({ add: large }),
      inThread({ edit: { id: REPLY, memo: large } }),
    ]) {
      assert.match(whyNot(as(AUTHOR), action, POST) ?? '', /at most 256000 are taken/);
    }
  });
});

describe('the event of a command', () => {
  it('is one that hooks are declared to get', () => {
    const decodeEvent = decoder(Event);
    const actions: ActionPost[] = [
      { add: essay() },
      { edit: { id: ID, essay: essay() } },
      { del: ID },
      { 'add-react': { id: ID, ship: OTHER, react: '🎉' } },
      { 'del-react': { id: ID, ship: OTHER } },
      inThread({ add: memo() }),
      inThread({ edit: { id: REPLY, memo: memo() } }),
      inThread({ del: REPLY }),
      inThread({ 'add-react': { id: REPLY, ship: OTHER, react: '🎉' } }),
      inThread({ 'del-react': { id: REPLY, ship: OTHER } }),
    ];
    for (const action of actions) {
      const event = eventFor(action);
      const decoded = decodeEvent(event);
      assert.ok(decoded.ok, JSON.stringify(decoded));
      assert.equal(decoded.value, event, 'it is exact already');
    }
  });

  it('is none where the post or the reply is missing or deleted', () => {
    const missing = inThread({ del: NEW });
    assert.equal(eventFor(missing), undefined);
    for (const post of [undefined, 'deleted'] as const) {
      assert.equal(eventOf({ del: ID }, post, NEW), undefined);
      assert.equal(eventOf(inThread({ add: memo() }), post, NEW), undefined);
      assert.equal(whyNot(as(OTHER), { del: ID }, post), undefined);
    }
    const withoutReply = { ...POST, seal: { ...POST.seal, replies: { [withDots(REPLY)]: null } } };
    assert.equal(eventFor(inThread({ del: REPLY }), withoutReply), undefined);
  });

  it('says that a reaction is taken back by null', () => {
    const event = eventFor({ 'del-react': { id: ID, ship: OTHER } });
    assert.ok(event && 'on-post' in event && 'react' in event['on-post']);
    assert.equal(event['on-post'].react.react, null);
    assert.equal(reactorOf(event), OTHER);
  });

  it('has its own words for a denial without a reason', () => {
    assert.equal(denialOf(eventFor({ add: essay() }) as Event), 'post blocked');
    assert.equal(denialOf(eventFor(inThread({ del: REPLY })) as Event), 'delete blocked');
    assert.equal(
      denialOf(eventFor(inThread({ 'del-react': { id: REPLY, ship: OTHER } })) as Event),
      'react action blocked',
    );
  });
});

describe('the post after an event', () => {
  it('is what was posted, under the id of the host whatever a hook says', () => {
    const event = eventFor({ add: essay() }) as Event;
    const changed = { 'on-post': { add: { ...POST, essay: essay(HOST, 'changed') } } };
    assert.deepEqual(applyEvent(event, changed), {
      id: NEW,
      post: { ...changed['on-post'].add, seal: { ...POST.seal, id: NEW } },
    });
  });

  it('has the new text and one revision more', () => {
    const edited = after({ edit: { id: ID, essay: essay(AUTHOR, 'new') } });
    assert.deepEqual(edited, { ...POST, essay: essay(AUTHOR, 'new'), revision: '1' });
    assert.equal(
      (after({ edit: { id: ID, essay: essay() } }, { ...POST, revision: '999' }) as VPost).revision,
      '1.000',
    );
  });

  it('is gone when it was deleted; a reply leaves its place', () => {
    assert.equal(after({ del: ID }), 'deleted');
    assert.deepEqual((after(inThread({ del: REPLY })) as VPost).seal.replies, { [withDots(REPLY)]: null });
  });

  it('has its replies by their ids with dots', () => {
    const replied = after(inThread({ add: memo(OTHER) })) as VPost;
    assert.deepEqual(replied.seal.replies[withDots(NEW)], { id: NEW, reacts: {}, revision: '0', ...memo(OTHER) });
    const edited = after(inThread({ edit: { id: REPLY, memo: memo(AUTHOR, 'new') } })) as VPost;
    assert.equal(edited.seal.replies[withDots(REPLY)]?.revision, '1');
  });

  it('has one reaction a ship, which can be changed and taken back', () => {
    const react = (value: string, post?: VPost) => after({ 'add-react': { id: ID, ship: OTHER, react: value } }, post);
    assert.equal(react('👍'), undefined, 'it is there already');
    const other = react('🎉') as VPost;
    assert.deepEqual(other.seal.reacts[OTHER], { revision: '1', react: '🎉' });
    const back = after({ 'del-react': { id: ID, ship: OTHER } }, other) as VPost;
    assert.deepEqual(back.seal.reacts[OTHER], { revision: '2', react: null });
    assert.equal(after({ 'del-react': { id: ID, ship: OTHER } }, back), undefined);
    assert.equal(after({ 'del-react': { id: ID, ship: AUTHOR } }), undefined);
  });

  it('follows a hook that turns a reaction into its withdrawal, and the other way round', () => {
    const adding = eventFor({ 'add-react': { id: ID, ship: OTHER, react: '🎉' } }) as Event;
    const taking = eventFor({ 'del-react': { id: ID, ship: OTHER } }) as Event;
    assert.equal(left(adding, taking).seal.reacts[OTHER]?.react, null);
    assert.equal(left(taking, adding).seal.reacts[OTHER]?.react, '🎉');
  });

  it('takes nothing else from what a hook returns', () => {
    const other: VPost = { seal: { id: NEW, replies: {}, reacts: {} }, revision: '7', essay: essay(OTHER, 'forged') };
    const edit = eventFor({ edit: { id: ID, essay: essay() } }) as Event;
    const edited = applyEvent(edit, { 'on-post': { edit: { original: other, essay: essay(OTHER) } } });
    assert.deepEqual(edited, { id: ID, post: { ...POST, essay: essay(OTHER), revision: '1' } });
    const del = eventFor({ del: ID }) as Event;
    assert.deepEqual(applyEvent(del, { 'on-post': { del: other } }), { id: ID, post: 'deleted' });
    const reply = eventFor(inThread({ add: memo() })) as Event;
    const replied = left(reply, {
      'on-reply': { add: { parent: other, reply: { id: ID, reacts: {}, revision: '0', ...memo(OTHER) } } },
    });
    assert.equal(replied.seal.replies[withDots(NEW)]?.author, OTHER);
    assert.deepEqual(replied.essay, POST.essay);
  });
});

describe('the id of a new post', () => {
  it('is its moment, or the next free one after the newest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.array(fc.integer({ min: -50, max: 50 })), (now, steps) => {
        const ids: string[] = [];
        for (const step of [0, ...steps]) ids.push(newPostId(Math.max(0, now + step), ids.at(-1)));
        assert.equal(ids[0], String(idFromMillis(now)));
        assert.deepEqual(
          ids.toSorted((left, right) => (BigInt(left) < BigInt(right) ? -1 : 1)),
          ids,
        );
        assert.equal(new Set(ids).size, ids.length);
        assert.equal(postIdOf({ del: withDots(ids.at(-1) ?? '') }), ids.at(-1));
      }),
    );
  });
});
