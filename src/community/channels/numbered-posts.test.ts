// Posts from the time before they had numbers get them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { freshDatabase } from '../../../test/support/database.ts';
import { statement } from '../../database/statement.ts';

const MIGRATION = new URL('../../database/migrations/0015_posts_in_sequence.sql', import.meta.url);

test('posts of a database that did not count them are numbered as they came, deleted ones too', async (t) => {
  const database = await freshDatabase(t);
  const [up = '', down = ''] = (await readFile(MIGRATION, 'utf8')).split('-- Down Migration');
  const run = async (name: string, sql: string) => {
    for (const [at, one] of sql.replaceAll(/--.*/g, '').split(';').entries()) {
      if (one.trim() !== '') await database.query(statement(`test.${name}-${at}`, one), []);
    }
  };
  await run('down', down);
  await run(
    'old',
    `insert into channels (nest, flag, doc) select n, '~zod/g', '{}' from unnest(array['chat/~zod/a', 'chat/~zod/b', 'chat/~zod/c']) n;
     insert into posts (nest, id, author, doc) values ('chat/~zod/a', 30, '~nec', '{}'), ('chat/~zod/a', 10, '~nec', '{}'),
       ('chat/~zod/a', 20, '', null), ('chat/~zod/b', 15, '~nec', '{}')`,
  );
  await run('up', up);
  const numbers = statement<{ nest: string; id: string; seq: number; author: string }>(
    'test.numbers',
    'select nest, id, seq, author from posts order by nest, id',
  );
  assert.deepEqual(
    (await database.query(numbers)).map(({ nest, id, seq, author }) => `${nest} ${id} ${seq} ${author}`),
    ['chat/~zod/a 10 1 ~nec', 'chat/~zod/a 20 2 ~zod', 'chat/~zod/a 30 3 ~nec', 'chat/~zod/b 15 1 ~nec'],
  );
  const newest = statement<{ newest_seq: number }>('test.newest', 'select newest_seq from channels order by nest');
  assert.deepEqual(
    (await database.query(newest)).map((row) => row.newest_seq),
    [3, 1, 0],
  );
});
