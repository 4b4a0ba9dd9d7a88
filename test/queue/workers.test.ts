// Workers and server are killed with SIGKILL while tasks are done.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REPEAT_LENGTH, roundsOf } from '../support/test-length.ts';
import { lastFirst } from '../support/wait.ts';
import { runWorkers } from './run-workers.ts';

const tasks = roundsOf(100);
const kills = roundsOf(12);
/** Fewer might all meet workers that have nothing to do. */
const ENOUGH_KILLS = 10;

test('every task is resolved once, as it should be, though its workers and its server are killed again and again', {
  skip: process.platform !== 'linux' && 'it finds what to kill in /proc',
}, async (t) => {
  const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 32));
  t.diagnostic(`to repeat: ${REPEAT_LENGTH} CHAOS_SEED=${seed}`);
  const lines: string[] = [];
  const tell = (line: string) => lines.push(line);
  const { problems, ...figures } = await runWorkers(lastFirst(t), { tasks, workers: 4, kills, seed, tell });
  t.diagnostic(JSON.stringify(figures));
  assert.deepEqual(problems, [], lines.join('\n'));
  // A run in which nobody died at work proves nothing.
  assert.ok(figures.expired > 0 || kills < ENOUGH_KILLS, 'some runs outlived their worker');
  assert.ok(figures.killed.servers >= kills / 2 - 1 && figures.killed.workers >= kills / 2 - 1);
});
