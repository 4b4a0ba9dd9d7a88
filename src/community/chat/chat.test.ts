// Conversations without a channel: their messages, and clubs.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClubDelta, WritsDelta } from '../types/chat.ts';
import { type Club, changeClub, NO_CLUB } from './club.ts';
import { type ChatMessage, changeMessage, type KnownMessage, messageId, timeOfMessage } from './message.ts';

const [US, THEM, THIRD] = ['~zod', '~nec', '~fes'] as const;
const ID = messageId(THEM, 1000);
const REPLY = messageId(US, 2000);
const memo = (text = 'hi') => ({ content: [{ inline: [text] }], author: THEM, sent: 1 });
const ADD: WritsDelta = { add: { memo: memo(), kind: null, time: null } };

const change = (known: KnownMessage, ...deltas: WritsDelta[]): KnownMessage =>
  deltas.reduce<KnownMessage>((message, delta) => changeMessage(message, ID, delta, '170') ?? message, known);
const reply = (delta: Extract<WritsDelta, { reply: unknown }>['reply']['delta']): WritsDelta => ({
  reply: { id: REPLY, meta: null, delta },
});

describe('a message', () => {
  it('is taken once, at the moment at which it came', () => {
    const added = change(undefined, ADD) as ChatMessage;
    assert.deepEqual(added, { id: ID, time: '170', memo: memo(), reacts: {}, isNotice: false, replies: {} });
    assert.equal(changeMessage(added, ID, { add: { memo: memo('again'), kind: null, time: null } }, '171'), undefined);
    assert.equal((change(undefined, { add: { memo: memo(), kind: { notice: null } } }) as ChatMessage).isNotice, true);
  });

  it('has one reaction a ship', () => {
    const react: WritsDelta = { 'add-react': { ship: US, react: '👍' } };
    const reacted = change(undefined, ADD, react) as ChatMessage;
    assert.deepEqual(reacted.reacts, { [US]: '👍' });
    assert.equal(changeMessage(reacted, ID, react, '171'), undefined);
    assert.deepEqual((change(reacted, { 'add-react': { ship: US, react: '🎉' } }) as ChatMessage).reacts, {
      [US]: '🎉',
    });
    assert.deepEqual((change(reacted, { 'del-react': US }) as ChatMessage).reacts, {});
    assert.equal(changeMessage(reacted, ID, { 'del-react': THIRD }, '171'), undefined);
  });

  it('has replies, with reactions of their own', () => {
    const replied = change(undefined, ADD, reply({ add: { memo: memo('yes'), time: null } })) as ChatMessage;
    assert.deepEqual(replied.replies[REPLY], { id: REPLY, time: '170', memo: memo('yes'), reacts: {} });
    const reacted = change(replied, reply({ 'add-react': { ship: US, react: '👍' } })) as ChatMessage;
    assert.deepEqual(reacted.replies[REPLY]?.reacts, { [US]: '👍' });
    assert.deepEqual((change(reacted, reply({ 'del-react': US })) as ChatMessage).replies[REPLY]?.reacts, {});
    assert.deepEqual((change(reacted, reply({ del: null })) as ChatMessage).replies, {});
  });

  it('that is missing or deleted is not changed, nor added again', () => {
    for (const known of [undefined, 'deleted'] as const) {
      for (const delta of [{ del: null }, { 'del-react': US }, reply({ del: null })]) {
        assert.equal(changeMessage(known, ID, delta, '171'), undefined);
      }
    }
    assert.equal(change(undefined, ADD, { del: null }, ADD), 'deleted');
  });

  it('says in its id when it was sent', () => {
    assert.equal(messageId(US, 1_743_465_600_000), '~zod/170.141.184.507.313.431.682.019.536.779.450.777.600');
    assert.equal(timeOfMessage(messageId(US, 1_743_465_600_000)), '170141184507313431682019536779450777600');
    assert.equal(timeOfMessage('~zod/x'), undefined);
  });
});

describe('a club', () => {
  const META = { title: 'Us', description: '', image: '', cover: '' };
  const club: Club = { team: [US, THEM], hive: [THIRD], meta: META };
  const act = (delta: Exclude<ClubDelta, { writ: unknown }>, actor: string = US, of = club) =>
    changeClub(of, delta, { actor, owner: US });
  const after = (...from: Parameters<typeof act>): Club => {
    const result = act(...from);
    return result.kind === 'changed' ? result.club : assert.fail(result.kind);
  };

  it('begins once', () => {
    const init = { init: { team: [THEM], hive: [US, US], meta: META } };
    assert.deepEqual(after(init, THEM, NO_CLUB), { team: [THEM], hive: [US], meta: META });
    const forced = { init: { team: [US, THEM, THEM], hive: [THIRD], meta: META } };
    assert.deepEqual(after(forced, THEM, NO_CLUB), { team: [THEM], hive: [US, THIRD], meta: META });
    assert.equal(act(init, THEM).kind, 'unchanged');
  });

  it('has members who were invited by members and came', () => {
    const come = (ok: boolean) => ({ team: { ship: THIRD, ok } });
    assert.deepEqual(after(come(true), THIRD), { team: [US, THEM, THIRD], hive: [], meta: META });
    assert.deepEqual(after(come(false), THIRD), { team: [US, THEM], hive: [], meta: META });
    const invite = (by: string, ship: string, add = true) => ({ hive: { by, for: ship, add } });
    assert.deepEqual(after(invite(US, '~bus')).hive, [THIRD, '~bus']);
    assert.deepEqual(after(invite(US, THIRD, false)).hive, []);
    for (const delta of [invite('~bus', '~wet'), invite(US, THEM), invite(US, THEM, false), invite(US, THIRD)]) {
      assert.equal(act(delta).kind, 'unchanged');
    }
    assert.equal(act({ team: { ship: '~bus', ok: true } }, '~bus').kind, 'unchanged');
  });

  it('is left by whoever says so, and nobody is put out', () => {
    assert.equal(act({ team: { ship: US, ok: false } }).kind, 'left');
    assert.deepEqual(after({ team: { ship: THEM, ok: false } }, THEM).team, [US]);
    assert.equal(act({ team: { ship: US, ok: false } }, THEM).kind, 'unchanged');
  });

  it('is called what a member calls it', () => {
    assert.equal(after({ meta: { ...META, title: 'New' } }).meta.title, 'New');
  });
});
