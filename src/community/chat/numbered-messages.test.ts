// Messages from the time before they had numbers get them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import pg from 'pg';
import { freshConnection } from '../../../test/support/database.ts';
import { lastFirst } from '../../../test/support/wait.ts';

const MIGRATION = new URL('../../database/migrations/0016_conversations_in_sequence.sql', import.meta.url);

test('messages of a database that did not count them are numbered as they came, and have an author', async (t) => {
  const undo = lastFirst(t);
  const client = new pg.Client(await freshConnection(undo));
  await client.connect();
  undo.after(() => client.end());
  const [up = '', down = ''] = (await readFile(MIGRATION, 'utf8')).split('-- Down Migration');
  await client.query(down);
  await client.query(
    `insert into chats (owner, whom, state) values ('~zod', '~nec', 'open'), ('~nec', '~zod', 'open')`,
  );
  const doc = (author: string, text: string) => JSON.stringify({ memo: { content: [{ inline: [text] }], author } });
  for (const [owner, parent, id, time, content] of [
    ['~zod', '', '~nec/3', 30, doc('~zod', 'in the name of a script')],
    ['~zod', '', '~nec/1', 10, doc('~nec', 'with \u0000 in it')],
    ['~zod', '', '~zod/2', 20, null],
    ['~zod', '~nec/1', '~zod/4', 15, doc('~zod', 'a reply')],
    ['~nec', '', '~zod/5', 40, doc('~zod', 'elsewhere')],
  ]) {
    const whom = owner === '~zod' ? '~nec' : '~zod';
    await client.query(
      `insert into chat_messages (owner, whom, parent, id, time, doc) values ($1, $2, $3, $4, $5, $6)`,
      [...[owner, whom, parent, id, time, content]],
    );
  }
  await client.query(up);
  const { rows } = await client.query(
    `select concat_ws(' ', owner, id, seq, author) as shown from chat_messages order by owner desc, time`,
  );
  assert.deepEqual(
    rows.map(({ shown }) => shown),
    ['~zod ~nec/1 1 ~nec', '~zod ~zod/4 ~zod', '~zod ~zod/2 2 ~zod', '~zod ~nec/3 3 ~zod', '~nec ~zod/5 1 ~zod'],
  );
  const chats = await client.query('select owner, last_seq from chats order by owner desc');
  assert.deepEqual(
    chats.rows.map(({ last_seq }) => last_seq),
    [3, 1],
  );
});
