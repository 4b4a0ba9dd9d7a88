// Whatever a client sends to the agents of conversations and activity, it gets an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createWorld, NEC, ZOD } from '../../community/test-support/world.ts';
import { createActAs } from './acting.ts';
import { createActivity } from './activity/activity.ts';
import { createChat } from './chat/chat.ts';

const KEYS =
  'ship diff id delta add essay memo reply add-react del-react writ init team hive meta uid hide show whom read';
const words = fc.constantFrom(...KEYS.split(' '), 'source', 'action', 'all', 'adjust', 'volume', 'base', 'dm', 'kind');
const leaf = fc.oneof(
  fc.constantFrom(null, '~zod', '~nec', '~nec/170.141', '0v5', '/chat', '', '\u0000', -1, 1e300, true, [], {}),
  fc.jsonValue({ maxDepth: 1 }),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: 'small' }, leaf, fc.dictionary(words, tie('tree'), { maxKeys: 3 })),
}));

test('a poke of anything is done or refused', async (t) => {
  const world = await createWorld(t);
  const settings = { ...world, actAs: createActAs(world.community.act) };
  const marks = [
    ...['chat-dm-action-2', 'chat-club-action-2', 'chat-club-create', 'chat-dm-rsvp', 'chat-dm-archive'],
    ...['chat-block-ship', 'chat-toggle-message', 'chat-remark-action'],
  ].map((mark) => [createChat(settings), mark] as const);
  marks.push([createActivity(settings), 'activity-action']);
  const property = fc.asyncProperty(fc.constantFrom(...marks), tree, async ([agent, mark], json) => {
    const result = await agent.poke?.(mark, json, ZOD);
    assert.ok(result?.kind === 'done' || (result?.kind === 'refused' && !result.reason.includes('\n')));
  });
  await fc.assert(property, { numRuns: 400 });
});

test('a path of anything is read, or there is nothing', async (t) => {
  const world = await createWorld(t);
  const settings = { ...world, actAs: createActAs(world.community.act) };
  const agents = [createChat(settings), createActivity(settings)];
  const part = fc.oneof(
    fc.constantFrom(
      ...['v4', 'v0', 'dm', 'club', '~zod', '~nec', '0v5', 'writs', 'search', 'bounded', 'text', 'mention'],
    ),
    fc.constantFrom(
      ...['newest', 'older', 'around', 'range', 'writ', 'id', 'light', '20', '170.141', '', '9'.repeat(60)],
    ),
    fc.constantFrom(
      ...['activity', 'threads', 'dm-threads', 'feed', 'init', 'all', '~~x', '~~~ffffff.', '__proto__', '..'],
    ),
    fc.string({ maxLength: 5 }),
    fc.constant('\u0000'),
  );
  const path = fc.array(part, { maxLength: 8 }).map((parts) => `/${parts.join('/')}`);
  const shaped = fc
    .tuple(
      fc.constantFrom('/v4/dm/~zod/writs/', '/club/', '/dm/~zod/search/bounded/text/', '/v5/feed/'),
      fc.array(part, { maxLength: 4 }),
    )
    .map(([start, parts]) => start + parts.join('/'));
  await agents[0]?.poke?.(
    'chat-dm-action',
    {
      ...{ ship: ZOD, diff: { id: '~zod/170.141', delta: { add: { memo: { content: [], author: ZOD, sent: 1 } } } } },
    },
    ZOD,
  );
  const property = fc.asyncProperty(fc.constantFrom(...agents), fc.oneof(path, shaped), async (agent, asked) => {
    JSON.stringify(await agent.scry?.(asked, fc.sample(fc.constantFrom(ZOD, NEC), 1)[0] as string));
  });
  await fc.assert(property, { numRuns: 600 });
});
