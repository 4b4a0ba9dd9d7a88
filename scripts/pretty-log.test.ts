import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { createLog, type Log } from '../src/core/log.ts';
import { prettyLogLine } from './pretty-log.ts';

const written = (write: (log: Log) => void): string => {
  const lines: string[] = [];
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(`${chunk}`);
      done();
    },
  });
  write(createLog({ level: 'trace', destination }));
  return lines.join('').trimEnd();
};

test('an entry of the log is one line: time, level, message, fields', () => {
  const line = written((log) => log.warn({ hookGroupId: 'g', hookId: 'a b', count: 2, ids: [1] }, 'hook disabled'));
  assert.match(
    prettyLogLine(line, false),
    /^\d\d:\d\d:\d\d\.\d{3} warn {2}hook disabled {2}hookGroupId=g hookId="a b" count=2 ids=\[1\]$/,
  );
});

test('the stack of an error stands below its line', () => {
  const line = written((log) => log.error({ err: new Error('boom') }, 'relay failed'));
  const [head = '', first = '', second = ''] = prettyLogLine(line, false).split('\n');
  assert.match(head, / error relay failed$/);
  assert.equal(first, '    Error: boom');
  assert.match(second, /^ {8}at /);
});

test('colours mark the level only where they are wanted', () => {
  const line = written((log) => log.info('ready'));
  assert.ok(prettyLogLine(line, true).includes('\u001b['));
  assert.ok(!prettyLogLine(line, false).includes('\u001b['));
});

test('what is no entry of the log stays as it is', () => {
  for (const line of ['', 'Hookwright 0.1.0 is ready', '{"a":1}', '{ broken', '{}']) {
    assert.equal(prettyLogLine(line, true), line);
  }
});
