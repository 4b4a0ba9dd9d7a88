import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { createLog, type LogLevel } from './log.ts';

const capture = (level: LogLevel = 'info') => {
  let text = '';
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      text += chunk;
      done();
    },
  });
  return { log: createLog({ level, destination }), said: () => text };
};

describe('the log', () => {
  it('is a JSON object a line, with level, time and message', () => {
    const { log, said } = capture();
    log.info({ a: 1 }, 'one');
    log.warn('two');
    const lines = said()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ a, msg, level }) => [a, msg, level]),
      [
        [1, 'one', 30],
        [undefined, 'two', 40],
      ],
    );
    assert.match(lines[0].time, /^\d{4}-\d\d-\d\dT/);
  });

  it('hides what is secret by its name, at the top and inside', () => {
    const { log, said } = capture();
    for (const key of ['accessToken', 'authorization', 'token', 'bewit', 'password', 'certificate', 'encryptionKey']) {
      const secret = `the ${key} itself`;
      log.info({ [key]: secret }, 'top');
      log.info({ request: { [key]: secret } }, 'one below');
      log.info({ request: { headers: { [key]: secret } } }, 'two below');
      log.child({ [key]: secret }).info('of a child');
      assert.equal(said().includes(secret), false, key);
    }
    assert.ok(said().includes('[redacted]'));
  });

  it('leaves out what is below its level', () => {
    const { log, said } = capture('warn');
    log.info('quiet');
    assert.equal(said(), '');
  });
});
