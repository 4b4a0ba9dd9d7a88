import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as nextTick } from 'node:timers/promises';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { createLog } from './log.ts';
import { createLoop, type LoopSettings } from './loop.ts';
import { retry } from './retry.ts';

/** A log whose entries can be read. */
const readableLog = () => {
  const entries: { level: number; msg: string; loop: string }[] = [];
  const destination = { write: (line: string) => entries.push(JSON.parse(line)) } as unknown as NodeJS.WritableStream;
  return { log: createLog({ level: 'debug', destination }), entries };
};

const startLoop = (t: TestContext, settings: Partial<LoopSettings>) => {
  const clock = createFakeClock();
  const { log, entries } = readableLog();
  let turns = 0;
  const turn = async () => {
    turns += 1;
    return settings.turn?.();
  };
  const loop = createLoop({ name: 'relay', clock, log, ...settings, turn });
  const ending = new AbortController();
  const running = loop.run(ending.signal);
  t.after(async () => {
    ending.abort();
    await running;
    await nextTick();
    assert.equal(clock.sleepers(), 0);
  });
  return { clock, loop, ending, running, turns: () => turns, entries };
};

describe('a loop', () => {
  it('takes a turn at once, and the next one when the turn asked for it', async (t) => {
    const { clock, turns } = startLoop(t, { turn: async () => 300 });
    await clock.asleep();
    assert.equal(turns(), 1);
    await clock.advance(299);
    assert.equal(turns(), 1);
    await clock.advance(1);
    assert.equal(turns(), 2);
  });

  it('pauses no longer than it was told, whatever a turn asks for', async (t) => {
    for (const asked of [undefined, 60_000, Number.POSITIVE_INFINITY]) {
      const { clock, turns } = startLoop(t, { turn: async () => asked, everyMs: 4_000 });
      await clock.asleep();
      await clock.advance(3_999);
      assert.equal(turns(), 1);
      await clock.advance(1);
      assert.equal(turns(), 2);
    }
  });

  it('takes a turn when it is woken', async (t) => {
    const { clock, loop, turns } = startLoop(t, {});
    await clock.asleep();
    loop.wake();
    await clock.asleep();
    assert.equal(turns(), 2);
  });

  it('takes another turn when it was woken during one', async (t) => {
    const first = Promise.withResolvers<void>();
    const { clock, loop, turns } = startLoop(t, { turn: () => first.promise });
    loop.wake();
    first.resolve();
    await clock.asleep();
    assert.equal(turns(), 2);
  });

  it('looks every second while no notifications arrive, and at once when they do again', async (t) => {
    const { clock, loop, turns } = startLoop(t, {});
    loop.setListening(false);
    await clock.asleep();
    const before = turns();
    await clock.advance(1_000);
    assert.equal(turns(), before + 1);
    loop.setListening(true);
    await clock.asleep();
    assert.equal(turns(), before + 2);
    await clock.advance(9_999);
    assert.equal(turns(), before + 2);
  });

  it('tries a failed turn again after growing pauses; one warning, and a line when it resumed', async (t) => {
    let isBroken = true;
    const turn = async () => {
      if (isBroken) throw new Error('the database is away');
    };
    const { clock, turns, entries } = startLoop(t, { turn });
    await clock.asleep();
    await clock.advance(100);
    assert.equal(turns(), 2);
    await clock.advance(100);
    assert.equal(turns(), 2, 'the second pause is longer');
    await clock.advance(60_000);
    isBroken = false;
    await clock.advance(5_000);
    assert.deepEqual(
      entries.filter(({ level }) => level >= 30).map(({ level, msg, loop }) => ({ level, msg, loop })),
      [
        { level: 40, msg: 'relay failed; retrying', loop: 'relay' },
        { level: 30, msg: 'relay resumed', loop: 'relay' },
      ],
    );
  });

  it('is not hurried by notifications while its turns fail', async (t) => {
    const { clock, loop, turns } = startLoop(t, { turn: () => Promise.reject(new Error('the database is away')) });
    await clock.asleep();
    loop.wake();
    await nextTick();
    assert.equal(turns(), 1);
  });

  it('says nothing above debug level when it is a quiet one', async (t) => {
    let isBroken = true;
    const turn = async () => {
      if (isBroken) throw new Error('the database is away');
    };
    const { clock, entries } = startLoop(t, { turn, isQuiet: true });
    await clock.asleep();
    isBroken = false;
    await clock.advance(1_000);
    assert.ok(entries.length >= 2);
    assert.deepEqual([...new Set(entries.map(({ level }) => level))], [20]);
  });

  it('ends at once when the signal aborts during a pause, and after the turn under way otherwise', async (t) => {
    const paused = startLoop(t, {});
    await paused.clock.asleep();
    paused.ending.abort();
    await paused.running;
    const under = Promise.withResolvers<void>();
    const busy = startLoop(t, { turn: () => under.promise });
    busy.ending.abort();
    let hasEnded = false;
    void busy.running.then(() => {
      hasEnded = true;
    });
    await nextTick();
    assert.equal(hasEnded, false);
    under.resolve();
    await busy.running;
    assert.equal(busy.turns(), 1);
  });

  it('takes no turn when the signal has aborted before', async () => {
    const { log } = readableLog();
    const clock = createFakeClock();
    const turn = () => Promise.reject(new Error('a turn'));
    await createLoop({ name: 'relay', clock, log, turn }).run(AbortSignal.abort());
  });
});

describe('retrying', () => {
  it('answers with what the work answers when it succeeds at last', async () => {
    const clock = createFakeClock();
    const { log } = readableLog();
    let tries = 0;
    const work = async () => {
      tries += 1;
      if (tries < 3) throw new Error('not yet');
      return 'there';
    };
    const answer = retry(work, { name: 'work', clock, log, signal: new AbortController().signal });
    await clock.asleep();
    await clock.advance(10_000);
    assert.equal(await answer, 'there');
    assert.equal(tries, 3);
  });

  it('answers with nothing, and warns of nothing, when the end comes first', async () => {
    const clock = createFakeClock();
    const { log, entries } = readableLog();
    const ending = new AbortController();
    const work = async () => {
      ending.abort();
      throw new Error('it ends');
    };
    assert.equal(await retry(work, { name: 'work', clock, log, signal: ending.signal }), undefined);
    assert.deepEqual(
      entries.filter(({ level }) => level > 20),
      [],
    );
  });
});
