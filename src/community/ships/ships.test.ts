// The ships of a server, and their login codes.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { statement } from '../../database/statement.ts';
import { createWorld, FES, NEC, ZOD } from '../test-support/world.ts';
import { newLoginCode, readLoginCode } from './login-code.ts';

const { ships, database } = await createWorld(lastFirst({ after }), []);
const codeOf = async (ship: string): Promise<string> => {
  const [found] = (await ships.list({ after: '', limit: 1000 })).filter((one) => one.ship === ship);
  return found?.code ?? assert.fail(`there is no ${ship}`);
};

describe('a login code', () => {
  it('is four words, and new every time', () => {
    const codes = Array.from({ length: 2000 }, newLoginCode);
    for (const code of codes) assert.match(code, /^([a-z]{6}-){3}[a-z]{6}$/);
    assert.equal(new Set(codes).size, codes.length);
    // All four words vary: none of them is the same in as many codes as chance would not give.
    for (const at of [0, 1, 2, 3]) assert.ok(new Set(codes.map((code) => code.split('-')[at])).size > 1900);
  });

  it('is read with and without a sig, and nothing else is one', () => {
    const code = newLoginCode();
    for (const text of [code, `~${code}`, ` ${code}\n`]) assert.equal(readLoginCode(text), code);
    for (const text of ['', '~zod', code.toUpperCase(), `${code}-x`]) assert.equal(readLoginCode(text), undefined);
  });
});

describe('the ships', () => {
  it('have the host from the start, once', async () => {
    const before = await codeOf(ZOD);
    await ships.addHost();
    assert.equal(await codeOf(ZOD), before);
    assert.equal(ships.host, ZOD);
  });

  it('are added once, and listed in order', async () => {
    const added = await ships.add(NEC);
    assert.equal(await ships.add(NEC), undefined);
    await ships.add(FES);
    assert.deepEqual(
      (await ships.list({ after: '', limit: 10 })).map(({ ship }) => ship),
      [FES, NEC, ZOD],
    );
    assert.deepEqual(await ships.list({ after: FES, limit: 1 }), [added]);
  });

  it('are found by their code alone, until it is replaced', async () => {
    const code = await codeOf(NEC);
    assert.equal(await ships.shipOfCode(NEC, code), NEC);
    assert.equal(await ships.shipOfCode(undefined, `~${code}`), NEC);
    assert.equal(await ships.shipOfCode(ZOD, code), undefined);
    const { code: next = '' } = (await ships.resetCode(NEC)) ?? {};
    assert.equal(await ships.shipOfCode(NEC, code), undefined);
    assert.equal(await ships.shipOfCode(NEC, next), NEC);
    assert.equal(await ships.resetCode('~bus'), undefined);
  });

  it('are known or not', async () => {
    assert.equal(await ships.isKnown(database, NEC), true);
    assert.equal(await ships.isKnown(database, '~bus'), false);
  });

  it('have codes that nobody reads in the database, nor moves to another ship', async () => {
    const sealed = statement<{ login_code: Buffer; code_digest: Buffer }>(
      'test.sealed',
      'select * from ships where ship = $1',
    );
    const [row] = await database.query(sealed, [NEC]);
    const code = await codeOf(NEC);
    assert.ok(row && !row.login_code.includes(code) && !row.code_digest.includes(code));
    const swap = statement(
      'test.swap',
      'update ships s set login_code = o.login_code from ships o where s.ship = $1 and o.ship = $2',
    );
    await database.query(swap, [FES, NEC]);
    await assert.rejects(ships.list({ after: '', limit: 1 }));
  });
});
