// Posts, replies and reactions between clients and the community.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decoder } from '../../community/schema/decode.ts';
import { ActionPost } from '../../community/types/channels.ts';
import type { VPost } from '../../community/types/posts.ts';
import { airlockPost, airlockReply, communityPostAction } from './posts.ts';

const memo = { content: [{ inline: ['hi'] }], author: '~zod', sent: 5 };
const essay = { ...memo, kind: '/chat', meta: null, blob: null };
const kept = { ...memo, 'kind-data': { chat: null } };
const bot = { ship: '~zod', nickname: 'B', avatar: null };

const asked = (action: unknown): unknown => {
  const result = decoder(ActionPost)(communityPostAction(action));
  return result.ok ? result.value : `${result.pointer} ${result.reason}`;
};
const replied = (action: unknown) => ({ reply: { id: '1', action } });

test('whatever the age of a client, its action is the same one of the community', () => {
  const cases: [unknown, unknown][] = [
    [{ add: essay }, { add: kept }],
    [{ add: kept }, { add: kept }],
    [{ add: { ...essay, author: bot } }, { add: { ...kept, bot: { nickname: 'B', avatar: null } } }],
    [{ edit: { id: '1', essay: { ...essay, blob: 'x' } } }, { edit: { id: '1', essay: { ...kept, blob: 'x' } } }],
    [{ del: '1' }, { del: '1' }],
    [
      { 'add-react': { id: '1', react: ':+1:', ship: '~zod' } },
      { 'add-react': { id: '1', react: ':+1:', ship: '~zod' } },
    ],
    [
      { 'add-react': { id: '1', react: { any: 'x' }, ship: bot } },
      { 'add-react': { id: '1', react: 'x', ship: '~zod' } },
    ],
    [{ 'del-react': { id: '1', author: '~zod' } }, { 'del-react': { id: '1', author: '~zod', ship: '~zod' } }],
    [replied({ add: { ...memo, blob: null } }), replied({ add: memo })],
    [replied({ add: { ...memo, blob: 'b' } }), replied({ add: { ...memo, blob: 'b' } })],
    [replied({ edit: { id: '2', memo } }), replied({ edit: { id: '2', memo } })],
    [replied({ edit: { id: '2', 'reply-essay': { ...memo, blob: null } } }), replied({ edit: { id: '2', memo } })],
    [replied({ del: '2' }), replied({ del: '2' })],
    [replied({ 'del-react': { id: '2', ship: '~zod' } }), replied({ 'del-react': { id: '2', ship: '~zod' } })],
  ];
  for (const [sent, action] of cases) assert.deepEqual(asked(sent), action);
});

test('what is none is refused with what is wrong', () => {
  const cases: [unknown, RegExp][] = [
    [null, /must be an object with one of the keys|must have one of the keys/],
    [{}, /must have one of the keys add/],
    [{ add: { ...essay, kind: '/poll' } }, /^\/add\/kind-data is missing/],
    [{ add: { ...essay, author: 5.5 } }, /^\/add\/author must be a ship/],
    [{ 'add-react': { id: '1', ship: '~zod' } }, /^\/add-react\/react is missing/],
    [replied({ add: null }), /^\/reply\/action\/add must be an object/],
    [replied({ edit: { id: '2' } }), /^\/reply\/action\/edit\/memo is missing/],
  ];
  for (const [sent, reason] of cases) assert.match(String(asked(sent)), reason);
});

test('a client reads who reacts, and not who did', () => {
  const reacts = { '~nec': { revision: '0', react: '👍' }, '~bud': { revision: '1', react: null } };
  const post: VPost = { seal: { id: '1234567', replies: {}, reacts }, revision: '0', essay: kept as VPost['essay'] };
  const reply = { id: '1234568', reacts, revision: '2', ...memo };
  const shown = airlockReply('1234567', reply);
  assert.deepEqual(shown, {
    seal: { id: '1234568', 'parent-id': '1234567', reacts: { '~nec': '👍' } },
    revision: '2',
    'reply-essay': { ...memo, blob: null },
  });
  const meta = { replyCount: 1, lastReply: 7, lastRepliers: ['~zod'] };
  assert.deepEqual(airlockPost(post, { seq: 3, modifiedAt: '1234569', replies: { 1234568: shown }, meta }), {
    seal: {
      ...{ id: '1234567', seq: 3, 'mod-at': '1234569', reacts: { '~nec': '👍' } },
      ...{ replies: { '1.234.568': shown }, meta },
    },
    revision: '0',
    essay,
    type: 'post',
  });
});
