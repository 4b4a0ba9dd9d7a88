// What a client does to a message is what other clients are told and read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decoder } from '../../community/schema/decode.ts';
import { WritsDelta } from '../../community/types/chat.ts';
import { airlockWrit, airlockWritResponse, communityWritsDelta } from './messages.ts';

const REPLY = '~nec/170.141';
const memo = { content: [{ inline: ['hi'] }], author: '~zod', sent: 5 };

const asked = (delta: unknown): unknown => {
  const result = decoder(WritsDelta)(communityWritsDelta(delta));
  return result.ok ? result.value : `${result.pointer} ${result.reason}`;
};
const inReply = (delta: unknown) => ({ reply: { id: REPLY, meta: null, delta } });

const text = fc.string({ maxLength: 5 });
const textOrNull = fc.option(text);
const ship = fc.constantFrom('~zod', '~nec');
const author = fc.oneof(ship, fc.record({ ship, nickname: textOrNull, avatar: textOrNull }));
const content = fc.array(fc.record({ inline: fc.array(fc.oneof(text, fc.record({ bold: fc.array(text) }))) }));
const meta = fc.option(fc.record({ title: text, description: text, image: text, cover: text }));
const written = fc.record({ content, author, sent: fc.nat(), blob: textOrNull });
const essay = fc
  .tuple(written, fc.record({ meta, kind: fc.constantFrom('/chat', '/chat/notice', '/chat/poll') }))
  .map(([about, more]) => ({ ...about, ...more }));
const react = fc.oneof(
  fc.record({ 'add-react': fc.record({ author: ship, react: text }) }),
  fc.record({ 'del-react': ship }),
  fc.constant({ del: null }),
);
const delta = fc.oneof(
  react,
  fc.record({ add: fc.record({ essay, time: fc.constant(null) }) }),
  react.map(inReply),
  written.map((said) => inReply({ add: { 'reply-essay': said, time: null } })),
);

test('others are told what a client did, with when it came and its number', () => {
  fc.assert(
    fc.property(delta, (sent) => {
      const done = asked(JSON.parse(JSON.stringify(sent))) as WritsDelta;
      const told = airlockWritResponse({ kind: 'message', copies: [], id: '~zod/1', delta: done, time: '170' }, 3);
      const expected = JSON.parse(JSON.stringify(sent).replaceAll('"time":null', '"time":"170"'));
      if ('add' in expected) expected.add.seq = 3;
      assert.deepEqual(told, expected);
    }),
  );
});

test('whatever the age of a client, its action is the same one of the community', () => {
  const add = { add: { memo, kind: null } };
  const cases: [unknown, unknown][] = [
    [{ add: { essay: { ...memo, kind: '/chat', meta: null, blob: null }, time: null } }, add],
    [{ add: { essay: { ...memo, 'kind-data': { chat: null } }, time: null } }, add],
    [{ add: { memo, kind: null, time: null } }, add],
    [{ 'add-react': { ship: '~zod', react: 'x' } }, { 'add-react': { ship: '~zod', react: 'x' } }],
    [
      { 'add-react': { author: { ship: '~zod', nickname: null, avatar: null }, react: { any: 'x' } } },
      { 'add-react': { ship: '~zod', react: 'x' } },
    ],
    [inReply({ add: { memo, time: null } }), { reply: { id: REPLY, delta: { add: { memo } } } }],
  ];
  for (const [sent, action] of cases) assert.deepEqual(asked(sent), action);
});

test('what is none is refused with what is wrong', () => {
  const cases: [unknown, RegExp][] = [
    [null, /must/],
    [{}, /must have one of the keys del/],
    [{ add: null }, /^\/add must be an object/],
    [{ add: { essay: { ...memo, kind: '/heap', meta: null } } }, /^\/add\/kind must/],
    [{ add: { essay: null } }, /^\/add\/memo/],
    [{ 'add-react': { react: 'x' } }, /^\/add-react\/ship is missing/],
    [{ reply: null }, /^\/reply must be an object/],
    [inReply({ add: { 'reply-essay': 5 } }), /^\/reply\/delta\/add\/memo must be an object/],
  ];
  for (const [sent, reason] of cases) assert.match(String(asked(sent)), reason);
});

test('a client reads a message with its replies, and a deleted one as what is left of it', () => {
  const doc = { id: '~zod/1', time: '170', memo, reacts: { '~nec': '👍' }, isNotice: false };
  const summary = { count: 1, repliers: ['~nec'], latest: '170141184507313431682019536779450777600' };
  const reply = { id: REPLY, time: '1702', memo: { ...memo, author: '~nec' }, reacts: {} };
  const message = { id: '~zod/1', time: '1700', seq: 2, author: '~zod', deletedAt: null, doc, summary };
  assert.deepEqual(airlockWrit({ ...message, replies: [reply] }), {
    seal: {
      ...{ id: '~zod/1', seq: 2, time: '1700', reacts: { '~nec': '👍' } },
      replies: {
        '1.702': {
          seal: { id: REPLY, 'parent-id': '~zod/1', time: '1702', reacts: {} },
          'reply-essay': { ...memo, author: '~nec', blob: null },
        },
      },
      meta: { replyCount: 1, lastReply: 1_743_465_600_000, lastRepliers: ['~nec'] },
    },
    essay: { ...memo, kind: '/chat', meta: null, blob: null },
    type: 'post',
  });
  assert.deepEqual(airlockWrit({ ...message, deletedAt: 5, doc: null, replies: [] }), {
    ...{ id: '~zod/1', author: '~zod', seq: 2, 'deleted-at': 5, type: 'tombstone' },
  });
});
