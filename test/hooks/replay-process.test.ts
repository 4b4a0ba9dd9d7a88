// A replay of many in a server that is killed with kill -9 again and again.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../chaos/random.ts';
import { createVictim } from '../chaos/victim.ts';
import { ECHO_SCOPES, echoHook, rootClients } from '../support/client.ts';
import { send } from '../support/request.ts';
import { newDataFolder } from '../support/server.ts';
import { REPEAT_LENGTH, roundsOf } from '../support/test-length.ts';
import { eventually, lastFirst } from '../support/wait.ts';

const EVENTS = 60;
const KILLS = roundsOf(10);
const LONGEST_MOMENT_MS = 400;
const API = '/api/hooks/v1';

// biome-ignore lint/suspicious/noExplicitAny: answers are what the test says they are.
type Answer = any;

it('a server that is killed again and again goes on with a replay, and ends it with exactly one fire of each event', async (t) => {
  const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 32));
  t.diagnostic(
    `to repeat the same kills (their moments are the machine's affair too): ${REPEAT_LENGTH} CHAOS_SEED=${seed}`,
  );
  const cleanup = lastFirst(t);
  const random = createRandom(seed);
  const victim = createVictim(cleanup, await newDataFolder(cleanup), random);
  await victim.start();
  const ask = async (method: string, path: string, body?: object): Promise<Answer> => {
    const text = body && JSON.stringify(body);
    const { status, json } = await send(victim.address() ?? '', `${API}${path}`, {
      ...{ method, credentials: victim.credentials(), headers: { 'content-type': 'application/json' } },
      ...(text !== undefined && { body: text }),
    });
    assert.equal(status, 200, JSON.stringify(json));
    return json;
  };
  const { hooks, auth } = rootClients(victim.credentials());
  await auth.createRole('hook-id:g/h', { scopes: ECHO_SCOPES, description: '' });
  await hooks.createHook('g', 'h', echoHook());
  await Promise.all(Array.from({ length: EVENTS }, (_, n) => hooks.triggerHook('g', 'h', { n })));

  const preview = await ask('POST', '/fires/replay', { hook: 'g/h', rate: 40 });
  assert.equal(preview.count, EVENTS);
  const { jobId, count } = preview;
  await ask('POST', '/fires/replay', { hook: 'g/h', rate: 40, count, jobId });
  for (let kills = 0; kills < KILLS; kills += 1) {
    await sleep(random.between(0, LONGEST_MOMENT_MS));
    await victim.kill('server');
    await victim.start();
  }
  const status = await eventually('the replay is done', async () => {
    const now = await ask('GET', `/replays/${jobId}`);
    return now.state === 'done' && now;
  });
  assert.deepEqual(status.outcomes, { created: EVENTS });

  const { fires } = await ask('GET', `/fires?requestId=${jobId}&limit=200`);
  assert.equal(fires.length, EVENTS);
  assert.equal(new Set(fires.map(({ cause }: Answer) => cause.split(':')[1])).size, EVENTS);
  const { queue } = rootClients(victim.credentials());
  const said: number[] = [];
  for (const { taskId } of fires) said.push((await queue.task(taskId)).payload.said.n);
  assert.deepEqual(
    said.sort((a, b) => a - b),
    Array.from({ length: EVENTS }, (_, n) => n),
  );
});
