import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from '../../../config.ts';
import { COMMANDS } from '../../command-table.ts';
import { findEntry, readCall } from './read-call.ts';

const messageOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'HW_BAD_OPTION');
    return (error as Error).message;
  }
  throw new Error('it was taken');
};

/** What the words of a call are answered with. */
const answer = (...words: string[]): string => {
  const found = findEntry(COMMANDS, words);
  if (found?.entry.kind === 'own') return messageOf(() => readConfig(found.rest, {}, '/'));
  assert.ok(found);
  const { entry, rest } = found;
  return messageOf(() => readCall(entry as Parameters<typeof readCall>[0], rest));
};

test('an option that does not exist is answered with the one that is meant', () => {
  for (const [typed, meant] of [
    ['hooks list --jsn', '--json'],
    ['hooks list -j', '--json'],
    ['hooks list -x --json', undefined],
    ['serve --prot 1', '--port'],
    ['serve --databse-url x', '--database-url'],
    ['hooks trigger g/h --paylod {}', '--payload'],
    ['hooks fires g/h --folow', '--follow'],
    ['backup x --wiht-key', '--with-key'],
    ['clients create x --expire 1d', '--expires'],
    ['login --clientid x', '--client-id'],
  ] as const) {
    const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
    const [option = ''] = /(?<= )-\S+/.exec(typed) ?? [];
    assert.ok(answer(...typed.split(' ')).startsWith(`There is no option ${option}${hint}. `), typed);
  }
});

test('every command refuses an option that it does not have, in the same words', () => {
  for (const { words, kind } of COMMANDS) {
    if (kind === 'read') assert.match(answer(...words, '--zzzzzzzz'), /^There is no option --zzzzzzzz\. See: /);
  }
});

test('an option without its value, or with one that it does not take, is named', () => {
  assert.match(answer('serve', '--port'), /^--port needs a value\. /);
  assert.match(answer('hooks', 'fires', 'g/h', '--limit'), /^--limit needs a value\. /);
  assert.match(answer('hooks', 'fires', 'g/h', '--limit', '-5'), /^--limit needs a value; .* \(--limit=-…\)\. /);
  assert.match(answer('hooks', 'list', '--json=SECRET'), /^--json takes no value\. /);
  assert.match(answer('serve', 'now'), /^"now" is one argument too many\. /);
});

test('an empty value in a list, as of a variable that is not set, is refused', () => {
  assert.match(answer('roles', 'grant', 'r', '--scope', ''), /^--scope is empty\. /);
});

test('a payload in --data, which names a folder, is answered with the option for it', () => {
  const said = answer('hooks', 'trigger', 'g/h', '--data', '{"who": "me"}');
  assert.equal(said, `--data names the data folder of a server. For a payload: --payload '{"who": "me"}'`);
});

test('a payload that is typed as several words is answered with how it is given', () => {
  assert.ok(answer('hooks', 'trigger', 'g/h', 'who=me', 'n=1').endsWith(`: --payload '{"who": "me", "n": 1}'`));
  assert.ok(answer('hooks', 'trigger', 'g/h', '{who:', 'me}').endsWith(`: --payload '{"who": "world"}'`));
  assert.match(answer('hooks', 'trigger', 'g/h', 'a', 'b'), /^"b" is one argument too many/);
});
