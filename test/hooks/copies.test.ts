// Many copies of one delivery at once, over several processes of which some are killed.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { Hooks } from '#client';
import { ECHO_SCOPES, echoHook, rootClients } from '../support/client.ts';
import { freshDatabaseUrl } from '../support/database.ts';
import { send } from '../support/request.ts';
import { newDataFolder, serve } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';
import { SECRET, sign } from './support/webhooks.ts';

const COPIES = 200;

it('two hundred copies of a delivery over three processes make one task and get one answer, whoever is killed', async (context) => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const DATABASE_URL = await freshDatabaseUrl(t);
  const env = { DATABASE_URL, HOOKWRIGHT_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
  const first = await serve(t, await newDataFolder(t), { env });
  const others = await Promise.all([1, 2].map(async () => serve(t, await newDataFolder(t), { env })));
  const servers = [first, ...others];
  const { auth } = rootClients(first.credentials);
  const { rootUrl, ...credentials } = first.credentials;
  const hooks = new Hooks({ rootUrl, credentials });
  await auth.createRole('hook-id:g/h', { description: '', scopes: ECHO_SCOPES });
  const { task } = echoHook();
  await hooks.createHook('g', 'h', echoHook({ task: { ...task, payload: { said: { $eval: 'payload' } } } }));
  const { url } = await hooks.putWebhook('g', 'h', 'push', { scheme: 'github', secrets: [SECRET], respond: 'Task' });

  const body = JSON.stringify({ ref: 'main' });
  const headers = { 'content-type': 'application/json', 'x-hub-signature-256': sign(body) };
  let answered = 0;
  /** As senders do, it goes on until it has an answer: of the process that lives. */
  const sendCopy = async (number: number): Promise<string> => {
    for (let tries = number; ; tries += 1) {
      const server = servers[tries % servers.length];
      const answer = await send(server?.url ?? '', new URL(url).pathname, { method: 'POST', headers, body }).catch(
        () => undefined,
      );
      answered += 1;
      if (answered === 20) others[0]?.process.kill('SIGKILL');
      if (answered === 60) others[1]?.process.kill('SIGKILL');
      if (answer) return `${answer.status} ${answer.text}`;
    }
  };
  const answers = await Promise.all(Array.from({ length: COPIES }, (_, number) => sendCopy(number)));
  assert.equal(new Set(answers).size, 1, [...new Set(answers)].join('\n'));
  assert.match(answers[0] ?? '', /^200 \{\s*"taskId"/);

  const { fires } = await hooks.listFires('g', 'h');
  const created = fires.filter(({ outcome }) => outcome === 'created');
  assert.deepEqual([created.length, answers[0]?.includes(created[0]?.taskId ?? '-')], [1, true]);
  // Of those that a process had counted when it was killed there is no row.
  const skipped = fires.filter(({ outcome }) => outcome === 'skipped');
  assert.ok(skipped.length <= 5, `${skipped.length} rows`);
});
