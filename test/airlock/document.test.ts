// docs/airlock.md, done word by word by somebody with the real clients.
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT } from '../commands/command-world.ts';
import { newReader, runPage } from '../commands/run-page.ts';
import { NEEDS_TLON } from './support.ts';

test('docs/airlock.md', NEEDS_TLON, async (t) => {
  const reader = await newReader(t);
  await symlink(join(PROJECT, 'node_modules/.bin/tlon'), join(reader.world.folder, 'bin/tlon'));
  // The command makes up the name of a group.
  const asShown = (printed: string) => printed.replace(/~zod\/[a-z0-9]+/g, '~zod/abcdefgh');
  await runPage(t, 'docs/airlock.md', { reader, asShown });
});
