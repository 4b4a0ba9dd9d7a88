// Commands of the built program, in which the client lies elsewhere than in the source.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { newFolder } from '../support/server.ts';
import { cleanEnvironment, follow, PROJECT } from './command-world.ts';

test('the built program finds its client', async (t) => {
  const clone = await newFolder({ after: (step) => t.after(step) });
  for (const name of ['src', 'client', 'scripts', 'package.json', 'tsconfig.json', 'tsconfig.build.json']) {
    await cp(join(PROJECT, name), join(clone, name), { recursive: true });
  }
  await symlink(join(PROJECT, 'node_modules'), join(clone, 'node_modules'));
  const run = (...args: string[]) =>
    follow(spawn(process.execPath, args, { cwd: clone, env: cleanEnvironment(clone) })).end;
  const built = await run('scripts/build.ts');
  assert.equal(built.status, 0, built.out);
  const { status, err } = await run('dist/main.js', 'whoami');
  assert.match(err, /\[HW_NO_CREDENTIALS\]/);
  assert.equal(status, 4);
});
