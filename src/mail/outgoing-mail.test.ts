import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import type { Cleanup } from '../../test/support/database.ts';
import { eventually, lastFirst } from '../../test/support/wait.ts';
import { createLog } from '../core/log.ts';
import { createMetrics } from '../core/metrics.ts';
import type { Database } from '../database/database.ts';
import { statement } from '../database/statement.ts';
import { createTimers, type Timers } from '../timers/create-timers.ts';
import { createRecord, createWorld } from '../timers/test-support/world.ts';
import { type Mail, type Mailer, MailRefused } from './mailer.ts';
import { createOutgoingMail } from './outgoing-mail.ts';
import { createSmtpMailer } from './smtp-mailer.ts';
import { startSmtpServer } from './test-support/smtp-server.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const LEASE = 5 * MINUTE;
const MAIL = { to: 'you@example.com', subject: 'A hook failed', text: 'the secret content' };

const countWaiting = statement<{ waiting: number }>(
  'test.count-waiting',
  `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
);

/** A mailer that does as it is told, and says so first. */
const createFakeMailer = (behave: (mail: Mail, signal: AbortSignal) => Promise<void> = async () => {}) => {
  const tries = createRecord<Mail>();
  const mailer: Mailer = {
    send: (mail, signal) => {
      tries.add(mail);
      return behave(mail, signal);
    },
  };
  return { mailer, tries };
};

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

const createOffice = async (test: Cleanup) => {
  const t = lastFirst(test); // what is being sent ends before the schedulers, and those before the database
  const world = await createWorld(t);
  const { clock, database } = world;
  const metrics = createMetrics();
  const lines = new PassThrough();
  const log = createLog({ level: 'debug', destination: lines });

  /** One more process that sends mail. `on`: its own way to the database. */
  const employ = async (mailer: Mailer | undefined, on: Database = database) => {
    const written = createRecord<'written'>();
    const observed: Database = {
      ...on,
      transaction: async (work) => {
        const result = await on.transaction(work);
        written.add('written');
        return result;
      },
    };
    const settings = { mailer, database: observed, clock, log, metrics: createMetrics() };
    const open = (timers: Timers) => createOutgoingMail({ ...settings, timers });
    let outgoing: ReturnType<typeof open> | undefined;
    const scheduler = await world.schedule((timers) => {
      outgoing = open(timers);
      return mailer ? 1 : 0;
    });
    assert.ok(outgoing);
    const office = outgoing;
    t.after(async () => {
      const ended = office[Symbol.asyncDispose]();
      await clock.advance(MINUTE); // a mailer that never comes back is waited for in the time of this clock
      await ended;
    });
    const waiting = async (tries: number) => {
      await written.reached(tries);
      return (await world.rows())[0]?.due;
    };
    /**
     * `waiting`: when the only mail is to be tried again, once that many tries are written down;
     * undefined when it is not.
     */
    return { ...scheduler, outgoing: office, metrics: settings.metrics, waiting };
  };

  /** Enqueues as a process that sends nothing itself. */
  const writer = createOutgoingMail({
    ...{ mailer: createFakeMailer().mailer, database, clock, log, metrics },
    timers: createTimers({ database, clock, log, metrics }),
  });
  return {
    ...world,
    t,
    employ,
    writer,
    enqueue: (key = 'k', mail: Mail = MAIL) => database.transaction((tx) => writer.enqueue(tx, { key, mail })),
    allSent: () => eventually('no mail waits', async () => (await world.rows()).length === 0),
    /**
     * Lets time go on until so many have been tried: the scheduler may just rest a little, in the
     * time of this clock.
     */
    passUntil: (tries: { readonly things: readonly unknown[] }, count: number) =>
      eventually(`${count} tries`, async () => {
        await clock.advance(50);
        return tries.things.length >= count;
      }),
    logged: (): string => String(lines.read() ?? ''),
  };
};

const outcomes = async (metrics: ReturnType<typeof createMetrics>): Promise<Record<string, number>> => {
  const text = await metrics.registry.metrics();
  return Object.fromEntries(
    [...text.matchAll(/hookwright_mails_total\{outcome="([\w-]+)"\} (\d+)/g)].map(([, name, n]) => [name, Number(n)]),
  );
};

describe('a mail that is enqueued', () => {
  it('is sent when its transaction commits, once, and nothing is left of it', async (test) => {
    const { t, clock, employ, enqueue, allSent } = await createOffice(test);
    const server = await startSmtpServer(t);
    const mailer = createSmtpMailer({ url: new URL(`smtp://127.0.0.1:${server.port}`), from: 'hooks@example.com' });
    t.after(async () => mailer[Symbol.asyncDispose]());
    const { metrics } = await employ(mailer);
    await enqueue();
    await server.received(1);
    await allSent();
    await clock.advance(HOUR);
    assert.match(server.mails[0]?.source ?? '', /Subject: A hook failed[\s\S]*the secret content/);
    assert.equal(server.mails.length, 1);
    assert.deepEqual(await outcomes(metrics), { sent: 1 });
  });

  it('is not sent when its transaction is undone', async (test) => {
    const { clock, database, employ, writer, rows } = await createOffice(test);
    const { mailer, tries } = createFakeMailer();
    await employ(mailer);
    const failing = database.transaction(async (tx) => {
      await writer.enqueue(tx, { key: 'k', mail: MAIL });
      throw new Error('undone');
    });
    await assert.rejects(failing, /undone/);
    await clock.advance(HOUR);
    assert.deepEqual([tries.things, await rows()], [[], []]);
  });

  it('is sent by whichever process comes first, by one of them', async (test) => {
    const { clock, employ, enqueue, allSent } = await createOffice(test);
    const { mailer, tries } = createFakeMailer();
    await employ(mailer);
    await employ(mailer);
    await enqueue();
    await tries.reached(1);
    await allSent();
    await clock.advance(HOUR);
    assert.equal(tries.things.length, 1);
  });

  it('with the key of one that waits or is being sent is the same mail, and the first one counts', async (test) => {
    const { clock, employ, enqueue, allSent, rows, passUntil } = await createOffice(test);
    await enqueue('k');
    await enqueue('k', { ...MAIL, subject: 'while it waits' });
    const sending = Promise.withResolvers<void>();
    const { mailer, tries } = createFakeMailer(() => sending.promise);
    await employ(mailer);
    await tries.reached(1);
    await enqueue('k', { ...MAIL, subject: 'while it is sent' });
    assert.equal((await rows()).length, 1);
    sending.resolve();
    await allSent();
    await clock.advance(LEASE + MINUTE);
    assert.deepEqual(
      tries.things.map(({ subject }) => subject),
      ['A hook failed'],
    );
    await enqueue('k', { ...MAIL, subject: 'afterwards' });
    await passUntil(tries, 2);
    assert.equal(tries.things[1]?.subject, 'afterwards');
    assert.notEqual(tries.things[1]?.id, tries.things[0]?.id);
    await allSent();
  });

  it('with the same key by many at the same moment is one mail', async (test) => {
    const { clock, enqueue, employ, rows, allSent } = await createOffice(test);
    const sending = Promise.withResolvers<void>();
    const { mailer, tries } = createFakeMailer(() => sending.promise);
    await employ(mailer);
    await employ(mailer);
    // The first to commit is being sent while the others still come, and they must neither replace
    // nor repeat it.
    await Promise.all(Array.from({ length: 10 }, (_, n) => enqueue('k', { ...MAIL, subject: `number ${n}` })));
    await tries.reached(1);
    assert.equal((await rows()).length, 1);
    sending.resolve();
    await allSent();
    await clock.advance(LEASE + MINUTE);
    assert.equal(tries.things.length, 1);
  });

  it('is the one that came first also when a second one comes before the first is committed', async (test) => {
    const { database, writer, enqueue, rows } = await createOffice(test);
    let second: Promise<void> | undefined;
    await database.transaction(async (tx) => {
      await writer.enqueue(tx, { key: 'k', mail: MAIL });
      second ??= enqueue('k', { ...MAIL, subject: 'the second' });
      await eventually('the second waits for the first', async () => {
        const [answer] = await database.query(countWaiting);
        return (answer?.waiting ?? 0) > 0;
      });
    });
    await second;
    assert.deepEqual(
      (await rows()).map(({ data }) => (data as { mail: Mail }).mail.subject),
      ['A hook failed'],
    );
  });
});

describe('a mail that cannot be sent', () => {
  it('is tried again after a minute, and after twice as long each time up to an hour, for a day', async (test) => {
    const { clock, employ, enqueue, logged, passUntil } = await createOffice(test);
    let triedAt = 0;
    const { mailer, tries } = createFakeMailer(() => {
      triedAt = clock.now();
      return Promise.reject(new Error('451 later'));
    });
    const { metrics, waiting } = await employ(mailer);
    const start = clock.now();
    await enqueue('the key');
    const pauses: number[] = [];
    for (let count = 1; ; count += 1) {
      const due = await waiting(count);
      if (due === undefined) break;
      pauses.push(due - triedAt);
      assert.ok(due <= start + 24 * HOUR, 'the last try comes when the day is over');
      clock.jump(due - clock.now() - 1);
      await passUntil(tries, count + 1);
    }
    assert.ok(triedAt >= start + 24 * HOUR);
    const within = (pause: number | undefined, whole: number) => {
      assert.ok(pause !== undefined && pause >= whole * 0.75 && pause <= whole, `${pause} of ${whole}`);
    };
    for (const [index, minutes] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) within(pauses[index], minutes * MINUTE);
    assert.equal(tries.things.length, pauses.length + 1);
    assert.equal(new Set(tries.things.map(({ id }) => id)).size, 1, 'all tries are one mail');
    assert.deepEqual(await outcomes(metrics), { failed: pauses.length, 'given-up': 1 });

    const text = logged();
    const givenUp = text.split('\n').filter((line) => line.includes('given up'));
    assert.equal(givenUp.length, 1);
    const { key, to, why } = JSON.parse(givenUp[0] ?? '') as Record<string, unknown>;
    assert.deepEqual({ key, to, why }, { key: 'the key', to: 'you@example.com', why: '451 later' });
    assert.doesNotMatch(text, /secret content|A hook failed/);
  });

  it('because its recipient is refused is given up at once, and the log says to whom and why', async (test) => {
    const { t, clock, employ, enqueue, allSent, logged } = await createOffice(test);
    const server = await startSmtpServer(t);
    server.react = (step) => (step === 'RCPT' ? '550 5.1.1 no such user' : undefined);
    const mailer = createSmtpMailer({ url: new URL(`smtp://127.0.0.1:${server.port}`), from: 'hooks@example.com' });
    t.after(async () => mailer[Symbol.asyncDispose]());
    const { metrics } = await employ(mailer);
    await enqueue();
    await server.reached('RCPT');
    await allSent();
    await clock.advance(HOUR);
    assert.deepEqual(await outcomes(metrics), { 'given-up': 1 });
    assert.equal(server.lines.filter((line) => line.startsWith('RCPT')).length, 1);
    assert.match(logged(), /you@example\.com.*550 5\.1\.1 no such user.*mail given up/);
  });

  for (const [what, reaction] of [
    ['answers 451', '451 4.7.1 greylisted'],
    ['hangs up', 'hang up'],
  ] as const) {
    it(`because the server ${what} is sent when the server takes it`, async (test) => {
      const { t, clock, employ, enqueue, allSent, passUntil } = await createOffice(test);
      const server = await startSmtpServer(t);
      server.react = (step) => (step === 'content' ? reaction : undefined);
      const mailer = createSmtpMailer({ url: new URL(`smtp://127.0.0.1:${server.port}`), from: 'hooks@example.com' });
      t.after(async () => mailer[Symbol.asyncDispose]());
      const { waiting } = await employ(mailer);
      await enqueue();
      await waiting(1);
      server.react = () => undefined;
      await clock.advance(MINUTE);
      await passUntil({ things: server.mails }, 1);
      await allSent();
    });
  }

  it('because the server says nothing more is let go before its lease ends, and tried again', async (test) => {
    const { t, clock, employ, enqueue, allSent, passUntil } = await createOffice(test);
    const server = await startSmtpServer(t);
    server.react = (step) => (step === 'content' ? 'hang' : undefined);
    const mailer = createSmtpMailer({ url: new URL(`smtp://127.0.0.1:${server.port}`), from: 'hooks@example.com' });
    t.after(async () => mailer[Symbol.asyncDispose]());
    const { waiting } = await employ(mailer);
    await enqueue();
    await server.reached('content');
    await clock.advance(2 * MINUTE);
    const due = await waiting(1);
    assert.ok(due && due <= clock.now() + MINUTE);
    await server.allClosed();
    server.react = () => undefined;
    await clock.advance(MINUTE);
    await passUntil({ things: server.mails }, 1);
    await allSent();
  });
});

describe('a crash', () => {
  it('between sending and writing it down sends the mail once more, recognizable as the same', async (test) => {
    const { clock, database, employ, enqueue, allSent, passUntil } = await createOffice(test);
    const dead: Database = { ...database, transaction: () => Promise.reject(new Error('killed')) };
    const { mailer, tries } = createFakeMailer();
    const first = await employ(mailer, dead);
    await enqueue();
    await tries.reached(1);
    await first.stop();
    const second = await employ(mailer);
    await clock.advance(LEASE);
    await passUntil(tries, 2);
    await allSent();
    assert.equal(tries.things[0]?.id, tries.things[1]?.id);
    assert.deepEqual(await outcomes(second.metrics), { sent: 1 });
  });

  it('of the one who sends leaves the mail to another, but not before the lease is over', async (test) => {
    const { clock, employ, enqueue, allSent, passUntil } = await createOffice(test);
    const dying = createFakeMailer(() => new Promise(() => {}));
    const first = await employ(dying.mailer);
    await enqueue();
    await dying.tries.reached(1);
    await first.stop();
    const { mailer, tries } = createFakeMailer();
    await employ(mailer);
    clock.jump(LEASE - 2 * SECOND); // the wall clock only: the first one's own deadline does not pass
    await clock.advance(SECOND);
    assert.equal(tries.things.length, 0);
    await clock.advance(2 * SECOND);
    await passUntil(tries, 1);
    await allSent();
  });

  it('that was none, only a long pause, does not undo what others did meanwhile', async (test) => {
    const { clock, employ, enqueue, allSent, rows, passUntil } = await createOffice(test);
    const paused = Promise.withResolvers<void>();
    const sleeper = createFakeMailer(() => paused.promise);
    const first = await employ(sleeper.mailer);
    await enqueue();
    await sleeper.tries.reached(1);
    await first.stop();
    const held = Promise.withResolvers<void>();
    const { mailer, tries } = createFakeMailer(() => (tries.things.length > 1 ? held.promise : Promise.resolve()));
    await employ(mailer);
    clock.jump(LEASE);
    await clock.advance(SECOND);
    await passUntil(tries, 1);
    await allSent();
    await enqueue('k', { ...MAIL, subject: 'a newer one' });
    await passUntil(tries, 2);
    paused.resolve();
    await first.outgoing[Symbol.asyncDispose]();
    assert.equal((await rows()).length, 1, 'the newer mail is still there');
    held.resolve();
    await allSent();
  });

  it('that was none does not disturb the try that another one has begun', async (test) => {
    const { clock, employ, enqueue, allSent, rows, passUntil } = await createOffice(test);
    const paused = Promise.withResolvers<void>();
    const sleeper = createFakeMailer(() => paused.promise);
    const first = await employ(sleeper.mailer);
    await enqueue();
    await sleeper.tries.reached(1);
    await first.stop();
    const sending = Promise.withResolvers<void>();
    const { mailer, tries } = createFakeMailer(() => sending.promise);
    await employ(mailer);
    clock.jump(LEASE);
    await passUntil(tries, 1);
    const before = await rows();
    paused.reject(new Error('451 later'));
    await first.outgoing[Symbol.asyncDispose]();
    assert.deepEqual(await rows(), before);
    sending.resolve();
    await allSent();
  });
});

describe('the end of the server', () => {
  it('waits for mails that are being sent', async (test) => {
    const { employ, enqueue, rows } = await createOffice(test);
    const sending = Promise.withResolvers<void>();
    const { mailer, tries } = createFakeMailer(() => sending.promise);
    const { stop, outgoing } = await employ(mailer);
    await enqueue();
    await tries.reached(1);
    await stop();
    const ended = outgoing[Symbol.asyncDispose]();
    sending.resolve();
    await ended;
    assert.deepEqual(await rows(), []);
  });

  it('cuts off, after its deadline, those that take too long, which are sent by whoever runs then', async (test) => {
    const { clock, employ, enqueue, rows, allSent, passUntil } = await createOffice(test);
    const { mailer, tries } = createFakeMailer((_mail, signal) => untilAborted(signal));
    const { stop, outgoing } = await employ(mailer);
    await enqueue();
    await tries.reached(1);
    await stop();
    const before = clock.sleepers();
    const ended = outgoing[Symbol.asyncDispose]();
    await clock.asleep(before + 1);
    await clock.advance(10 * SECOND);
    await ended;
    const [row] = await rows();
    assert.ok(row && row.due <= clock.now() + MINUTE);
    const next = createFakeMailer();
    await employ(next.mailer);
    await clock.advance(MINUTE);
    await passUntil(next.tries, 1);
    await allSent();
  });
});

describe('many mails at once', () => {
  it('are all sent, a hundred of them at the same time at most', async (test) => {
    const { clock, database, employ, writer, rows } = await createOffice(test);
    await database.transaction(async (tx) => {
      for (let n = 0; n < 250; n += 1) await writer.enqueue(tx, { key: `k${n}`, mail: MAIL });
    });
    const gate = Promise.withResolvers<void>();
    const [now, most] = [{ value: 0 }, { value: 0 }];
    const { mailer, tries } = createFakeMailer(async () => {
      now.value += 1;
      most.value = Math.max(most.value, now.value);
      await gate.promise;
      now.value -= 1;
    });
    await employ(mailer);
    await tries.reached(100);
    gate.resolve();
    await eventually('all are sent', async () => {
      await clock.advance(SECOND);
      return (await rows()).length === 0;
    });
    assert.equal(tries.things.length, 250);
    assert.equal(most.value, 100);
  });
});

describe('without a mail server', () => {
  it('nothing is stored or sent, and it is counted', async (test) => {
    const { database, employ, rows, logged } = await createOffice(test);
    const { outgoing, metrics } = await employ(undefined);
    await database.transaction((tx) => outgoing.enqueue(tx, { key: 'k', mail: MAIL }));
    assert.deepEqual(await rows(), []);
    assert.deepEqual(await outcomes(metrics), { 'not-configured': 1 });
    assert.match(logged(), /no mail server is configured/);
  });

  it('mails that were stored when there was one wait for it to come back', async (test) => {
    const { clock, employ, enqueue, rows, allSent } = await createOffice(test);
    await enqueue();
    const without = await employ(undefined);
    await clock.advance(MINUTE);
    await without.stop();
    assert.equal((await rows()).length, 1);
    const { mailer, tries } = createFakeMailer(() => Promise.reject(new MailRefused('no')));
    await employ(mailer);
    await tries.reached(1);
    await allSent();
  });
});
