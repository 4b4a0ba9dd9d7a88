// What a client wrote comes back as it was, through the form in which the community keeps it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decoder } from '../../community/schema/decode.ts';
import { Essay, Memo } from '../../community/types/posts.ts';
import { airlockEssay, airlockMemo, communityEssay, communityMemo } from './essay.ts';

const decoded = <T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; pointer: string; reason: string },
): T => (result.ok ? result.value : assert.fail(`${result.pointer} ${result.reason}`));
const essayIn = (value: unknown) => decoded(decoder(Essay)(value));
const memoIn = (value: unknown) => decoded(decoder(Memo)(value));

/** As JSON brings it. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value));

const text = fc.string({ maxLength: 5 });
const textOrNull = fc.option(text);
const ship = fc.constantFrom('~zod', '~nec', '~sampel-palnet');
const author = fc.oneof(ship, fc.record({ ship, nickname: textOrNull, avatar: textOrNull }));
const content = fc.array(fc.record({ inline: fc.array(fc.oneof(text, fc.record({ bold: fc.array(text) }))) }));
const meta = fc.option(
  fc.record(
    { title: text, description: text, image: text, cover: text, more: fc.jsonValue() },
    { requiredKeys: ['title', 'description', 'image', 'cover'] },
  ),
);
const kind = fc.constantFrom('/chat', '/chat/notice', '/heap', '/diary', '/heap/link', '/diary/a/b', '/chat/poll');
const own = new Set(['content', 'author', 'sent', 'blob', 'bot', 'kind', 'kind-data', 'meta', '__proto__']);
const others = fc.dictionary(
  text.filter((key) => !own.has(key)),
  fc.constantFrom(1, 'x', null, false),
  { noNullPrototype: true },
);
const memo = fc
  .tuple(others, fc.record({ content, author, sent: fc.nat(), blob: textOrNull }))
  .map(([more, known]) => plain({ ...more, ...known }));
const essay = fc.tuple(memo, fc.record({ kind, meta })).map(([written, about]) => plain({ ...written, ...about }));

test('an essay of a client comes back with everything that was in it', () => {
  fc.assert(fc.property(essay, (sent) => assert.deepEqual(airlockEssay(essayIn(communityEssay(sent))), sent)));
});

test('a reply of a client comes back with everything that was in it', () => {
  fc.assert(fc.property(memo, (sent) => assert.deepEqual(airlockMemo(memoIn(communityMemo(sent))), sent)));
});

const kindData = fc.oneof(
  fc.constantFrom({ chat: null }, { chat: { notice: null } }, { heap: null }),
  fc.record({ heap: text }),
  fc.record({ diary: fc.record({ title: text, image: text }) }),
);

test('an essay of the community is the same after a client has had it', () => {
  const kept = fc
    .tuple(others, fc.record({ content, author: ship, sent: fc.nat(), 'kind-data': kindData }))
    .map(([more, known]) => plain({ ...more, ...known }));
  fc.assert(
    fc.property(kept, (before) => assert.deepEqual(essayIn(communityEssay(airlockEssay(essayIn(before)))), before)),
  );
});

test('what a hook makes of the title is what clients read', () => {
  const sent = { content: [], author: '~zod', sent: 1, blob: null };
  const about = { title: 'Old', description: 'D', image: 'i', cover: 'c' };
  const diary = essayIn(communityEssay({ ...sent, kind: '/diary/long', meta: about }));
  assert.deepEqual(airlockEssay({ ...diary, 'kind-data': { diary: { title: 'New', image: '' } } }), {
    ...{ ...sent, kind: '/diary/long', meta: { ...about, title: 'New', image: '' } },
  });
  const heap = essayIn(communityEssay({ ...sent, kind: '/heap', meta: about }));
  assert.deepEqual(airlockEssay({ ...heap, 'kind-data': { heap: 'New' } }).meta, { ...about, title: 'New' });
});

test('fields that a hook leaves in no form of ours are read as if they were not there', () => {
  const essay = {
    content: [],
    author: '~zod',
    sent: 1,
    'kind-data': { chat: null },
    meta: { title: 1 },
    blob: 5,
    kind: 7,
  };
  assert.deepEqual(airlockEssay({ ...essay, bot: { nickname: 3 } } as Essay), {
    ...{ content: [], sent: 1, author: { ship: '~zod', nickname: null, avatar: null } },
    ...{ kind: '/chat', blob: null, meta: { title: '', description: '', image: '', cover: '' } },
  });
});

test('an essay of a kind that there is not, or none at all, is refused where it is checked', () => {
  for (const sent of [
    null,
    5,
    [],
    {},
    { kind: '/poll' },
    { kind: '/chats' },
    { kind: 1, 'kind-data': { chat: null } },
  ]) {
    assert.equal(decoder(Essay)(communityEssay(sent)).ok, false, JSON.stringify(sent));
  }
});
