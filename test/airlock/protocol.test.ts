// The protocol of the airlock, as the real clients speak it.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { lastFirst } from '../support/wait.ts';
import { connectTlonApi, connectUrbit, pokeWith, runTlon, serveAirlock } from './support.ts';

const cleanup = lastFirst({ after });
const server = await serveAirlock(cleanup, ['~zod', '~nec']);

describe('@urbit/http-api', () => {
  it('is told when a poke is done, and why one is refused', async (t) => {
    const urbit = await connectUrbit(t, server, '~nec');
    await pokeWith(urbit, 'hood', 'helm-hi', 'hello');
    await assert.rejects(pokeWith(urbit, 'nobody', 'x', {}), /There is no agent nobody here/);
    await assert.rejects(pokeWith(urbit, 'hood', 'x', {}), /knows no mark x/);
  });

  it('reads', async (t) => {
    const urbit = await connectUrbit(t, server, '~nec');
    assert.deepEqual(await urbit.scry({ app: 'hood', path: '/kiln/pikes' }), {});
    await assert.rejects(urbit.scry({ app: 'hood', path: '/x' }), { status: 404 });
  });
});

describe('@tloncorp/api', () => {
  it('logs in, pokes and reads', async (t) => {
    const nec = await connectTlonApi(t, server, '~nec');
    await nec.call('poke', { app: 'hood', mark: 'helm-hi', json: 'hello' });
    await assert.rejects(nec.call('poke', { app: 'hood', mark: 'x', json: 1 }), /knows no mark x/);
    assert.deepEqual(await nec.call('scry', { app: 'hood', path: '/kiln/pikes' }), {});
  });
});

describe('the tlon command', () => {
  it('logs in with a code', async (t) => {
    const ran = await runTlon(t, server, '~zod', 'hooks', 'init', 'greeter');
    assert.equal(ran.status, 0, ran.stderr + ran.stdout);
  });
});
