// Whoever does what they are told about contacts has what they would read.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../../../../test/support/test-length.ts';
import { lastFirst } from '../../../../test/support/wait.ts';
import type { Change } from '../../../community/changes/change.ts';
import { BUD, createWorld, FES, NEC, type World, ZOD } from '../../../community/test-support/world.ts';
import { statement } from '../../../database/statement.ts';
import { createActAs } from '../acting.ts';
import type { Agent } from '../agent.ts';
import { createContacts } from './contacts.ts';

const takeChanges = statement<{ changes: readonly Change[] }>(
  'test.take-changes',
  `with taken as (delete from community_changes returning id, changes) select changes from taken order by id`,
);
const forgetAll = statement('test.forget-all', 'with p as (delete from profiles) delete from contact_pages');

let world: World;
let agent: Agent;
const undo = new AsyncDisposableStack();
before(async () => {
  world = await createWorld(lastFirst({ after: (step) => undo.defer(step) }));
  agent = createContacts({ database: world.database, actAs: createActAs(world.community.act) });
});
after(() => undo.disposeAsync());

const other = fc.constantFrom(NEC, FES, BUD);
const kip = fc.oneof(other, fc.constantFrom('0v1', '0v2'));
const contact = fc.dictionary(
  fc.constantFrom('nickname', 'status'),
  fc.option(fc.constantFrom('a', 'b').map((value) => ({ type: 'text', value }))),
  { noNullPrototype: true },
);
const about = (name: string) => fc.record({ kip, contact }).map((page) => ({ [name]: page }));
const ships = (name: string) => fc.array(other, { maxLength: 3 }).map((all) => ({ [name]: all }));
const ofZod = fc.oneof(
  ...['page', 'edit'].map(about),
  ...['meet', 'drop', 'snub'].map(ships),
  fc.array(kip, { maxLength: 3 }).map((wipe) => ({ wipe })),
);
const self = fc.oneof(
  contact.map((profile) => ({ self: profile })),
  fc.constant({ anon: null }),
);
const step = fc.oneof(
  ofZod.map((json) => ({ ship: ZOD, json })),
  fc.record({ ship: fc.oneof(other, fc.constant(ZOD)), json: self }),
);

type Known = { readonly contact: object; readonly mod: object; readonly isContact: boolean };
type News = {
  readonly self?: { readonly contact: object };
  readonly peer?: { readonly who: string; readonly contact: object };
  readonly page?: { readonly kip: string; readonly contact: object; readonly mod: object };
  readonly wipe?: { readonly kip: string };
};

const NOTHING: Known = { contact: {}, mod: {}, isContact: false };

const learn = (known: Map<string, Known>, news: News): void => {
  const set = (key: string, more: Partial<Known>) => known.set(key, { ...NOTHING, ...known.get(key), ...more });
  if (news.self) set(ZOD, news.self);
  if (news.peer) set(news.peer.who, { contact: news.peer.contact });
  if (news.page) set(news.page.kip, { contact: news.page.contact, mod: news.page.mod, isContact: true });
  if (news.wipe) set(news.wipe.kip, { mod: {}, isContact: false });
};

/** As a client shows it: without those of whom nothing is known. */
const shown = (entries: Iterable<readonly [string, Known]>) =>
  Object.fromEntries(
    [...entries]
      .filter(([, one]) => one.isContact || Object.keys(one.contact).length > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

const read = async () => {
  const directory = (await agent.scry?.('/v1/directory', ZOD)) as Record<string, Known>;
  const book = (await agent.scry?.('/v1/book', ZOD)) as Record<string, readonly [object, object]>;
  const pages = Object.entries(book).map(
    ([key, [profile, mod]]) => [key, { contact: profile, mod, isContact: true }] as const,
  );
  return shown([...Object.entries(directory), ...pages]);
};

it('whoever does what they are told about contacts has what they would read', async () => {
  const rounds = fc.asyncProperty(fc.array(fc.array(step, { maxLength: 5 }), { maxLength: 6 }), async (batches) => {
    await world.database.query(forgetAll);
    const known = new Map<string, Known>();
    for (const batch of batches) {
      for (const { ship, json } of batch) await agent.poke?.('contact-action-1', json, ship); // some are refused
      const changes = (await world.database.query(takeChanges)).flatMap((row) => row.changes);
      const facts = (await agent.factsOf?.(changes, [{ ship: ZOD, path: '/v1/news' }])) ?? [];
      for (const { fact } of facts) learn(known, fact.json as News);
      assert.deepEqual(shown(known), await read());
    }
  });
  await fc.assert(rounds, { numRuns: roundsOf(250) });
});
