import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS } from '../command-table.ts';
import { unknownCommand } from './suggest-command.ts';

const MEANT: Record<string, string> = {
  'hooks crate': 'hooks create',
  'hook list': 'hooks list',
  'hooks ls': 'hooks list',
  'hooks rm g/h': 'hooks remove',
  'hook rm g/h': 'hooks remove',
  'hooks delete g/h': 'hooks remove',
  'hooks get g/h': 'hooks show',
  'hooks new g/h hook.yaml': 'hooks create',
  'hooks tirgger g/h': 'hooks trigger',
  'hooks fire g/h': 'hooks trigger',
  'hooks run g/h': 'hooks trigger',
  'hooks logs g/h': 'hooks fires',
  'tsaks list x': 'tasks list',
  'task ls x': 'tasks list',
  'client add x': 'clients create',
  'role grnat r': 'roles grant',
  'roles add r': 'roles create',
  'create hook g/h': 'hooks create',
  'ls hooks': 'hooks list',
  'trigger g/h': 'hooks trigger',
  'sevre --port 1': 'serve',
  start: 'serve',
  who: 'whoami',
  'confg check': 'config check',
  'config validate': 'config check',
  'init scirpt x': 'init script',
  'message publish e': 'messages publish',
  'pulse subscribe e #': 'pulse watch',
  'init hook x': 'init script',
  hook: 'hooks',
};

test('what was mistyped, and what other programs call it, is answered with the command that is meant', () => {
  for (const [typed, meant] of Object.entries(MEANT)) {
    const { message, code } = unknownCommand(COMMANDS, typed.split(' '));
    assert.equal(code, 'HW_UNKNOWN_COMMAND');
    assert.ok(message.includes(`Did you mean "hookwright ${meant}"?`), `${typed}: ${message}`);
  }
});

test('what is like no command is answered with where they are listed', () => {
  const say = (...words: string[]) => unknownCommand(COMMANDS, words).message;
  assert.equal(say('nonsense'), 'There is no command "nonsense". See: hookwright help');
  assert.equal(say('hooks', 'nonsense'), 'There is no command "hooks nonsense". See: hookwright help hooks');
});

test('an option before the command is answered with where it stands', () => {
  assert.match(unknownCommand(COMMANDS, ['--json', 'hooks', 'list']).message, /: hookwright hooks list --json\. See/);
});
