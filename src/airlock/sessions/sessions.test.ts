// Sessions: who opens one, how long it lives, and what ends it.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { createWorld, NEC, ZOD } from '../../community/test-support/world.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import { createSecretBox } from '../../core/secret-box.ts';
import { statement } from '../../database/statement.ts';
import { type Cookie, cookieText, newCookieValue, readCookies } from './cookie.ts';
import { createSessions, IDLE_SECONDS } from './sessions.ts';

const { ships, database, clock } = await createWorld(lastFirst({ after }), [NEC]);
const secretBox = createSecretBox(Buffer.alloc(32, 9));
const sessions = createSessions({ database, clock, log: silentLog, metrics: createMetrics(), ships, secretBox });
const DAY = 24 * 3_600_000;

const codeOf = async (ship: string): Promise<string> => {
  const found = (await ships.list({ after: '', limit: 100 })).find((one) => one.ship === ship);
  return found?.code ?? assert.fail(`there is no ${ship}`);
};
const headerOf = ({ ship, value }: Cookie): string => `urbauth-${ship}=${value}`;
const logIn = async (ship: string, header?: string) => {
  const opened = await sessions.open(await codeOf(ship), header);
  assert.ok(opened);
  return { header: headerOf(opened.cookie), ...opened };
};

describe('a session', () => {
  it('is opened by the code of any ship, and found by its cookie among others', async () => {
    for (const ship of [ZOD, NEC]) {
      const { cookie, header } = await logIn(ship);
      assert.equal(cookie.ship, ship);
      for (const text of [header, `a=b; ${header}; Path=/; Max-Age=604800`]) {
        assert.equal((await sessions.find(text))?.ship, ship);
      }
    }
    for (const code of ['', 'x', 'lidlut-tabwed-pillex-ridrup'])
      assert.equal(await sessions.open(code, undefined), undefined);
  });

  it('is not found by anything that was not given out', async () => {
    const { cookie } = await logIn(NEC);
    const forged = [
      '',
      'urbauth-~nec=',
      headerOf({ ship: NEC, value: newCookieValue() }),
      headerOf({ ...cookie, ship: ZOD }),
      headerOf({ ...cookie, value: `${cookie.value}0` }),
      `urbauth-nec=${cookie.value}`,
      cookie.value,
    ];
    for (const header of forged) assert.equal(await sessions.find(header), undefined, header);
    assert.equal(await sessions.find(undefined), undefined);
  });

  it('is nowhere in the database with its cookie', async () => {
    const { cookie } = await logIn(NEC);
    const all = statement<{ row: string }>('test.sessions', 'select s::text as row from ship_sessions s');
    const rows = await database.query(all);
    assert.ok(rows.length > 0 && rows.every(({ row }) => !row.includes(cookie.value.slice(2))));
  });

  it('lives for seven days after its last use, and its browser is told so', async () => {
    const { header } = await logIn(NEC);
    assert.equal((await sessions.find(header))?.renewed, undefined);
    await clock.advance(6 * DAY);
    assert.equal(headerOf((await sessions.find(header))?.renewed as Cookie), header);
    await clock.advance(6 * DAY);
    assert.ok(await sessions.find(header));
    await clock.advance(IDLE_SECONDS * 1000);
    assert.equal(await sessions.find(header), undefined);
  });

  it('takes the place of the one that its browser had', async () => {
    const first = await logIn(ZOD);
    const id = (await sessions.find(first.header))?.id;
    const second = await logIn(NEC, first.header);
    assert.deepEqual(second.replaced, [id]);
    assert.equal(await sessions.find(first.header), undefined);
    assert.equal((await sessions.find(`${first.header}; ${second.header}`))?.ship, NEC);
  });

  it('ends alone or with all others of its ship', async () => {
    const [first, second, third, other] = [await logIn(NEC), await logIn(NEC), await logIn(NEC), await logIn(ZOD)];
    const [one, two] = [await sessions.find(first.header), await sessions.find(second.header)];
    assert.ok(one && two);
    assert.deepEqual(await sessions.end(one, 'this'), [one.id]);
    assert.equal(await sessions.find(first.header), undefined);
    assert.ok(await sessions.find(second.header));
    assert.deepEqual(await sessions.endedAmong([one.id, two.id]), [one.id]);
    await sessions.end(two, 'all');
    for (const { header } of [second, third]) assert.equal(await sessions.find(header), undefined);
    assert.ok(await sessions.find(other.header));
  });

  it('ends when the code of its ship is replaced, for those who look after it at once', async () => {
    const [mine, other] = [await logIn(NEC), await logIn(ZOD)];
    const held = (await sessions.find(mine.header))?.id ?? '';
    const ending = new AbortController();
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    const watching = sessions.watch(() => [held], resolve, ending.signal);
    await clock.asleep(2); // it listens
    const code = await codeOf(NEC);
    await ships.resetCode(NEC);
    assert.equal(await ended, held);
    assert.equal(await sessions.find(mine.header), undefined);
    assert.equal(await sessions.open(code, undefined), undefined);
    assert.ok(await sessions.find(other.header));
    ending.abort();
    await watching;
  });
});

describe('a cookie', () => {
  it('has the name of the ship with its sig, and no script or other site sees it', () => {
    const cookie = { ship: NEC, value: '0v4.ilskp.psv00.t09r0.l8rps.3n97v' };
    assert.equal(
      cookieText(cookie, 604_800, true),
      'urbauth-~nec=0v4.ilskp.psv00.t09r0.l8rps.3n97v; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure',
    );
    assert.doesNotMatch(cookieText(cookie, 0, false), /Secure/);
    assert.deepEqual(readCookies(cookieText(cookie, 0, false)), [cookie]);
    for (let n = 0; n < 100; n += 1) {
      const fresh = { ship: NEC, value: newCookieValue() };
      assert.deepEqual(readCookies(headerOf(fresh)), [fresh]);
    }
    assert.equal(readCookies(Array.from({ length: 100 }, () => headerOf(cookie)).join('; ')).length, 8);
  });
});
