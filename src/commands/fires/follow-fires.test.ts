// Following goes on over breaks, and shows each row once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiCallError } from '#client';
import type { Connection } from '../calls/api-connection.ts';
import type { Call } from '../cli/command.ts';
import { followFires } from './follow-fires.ts';

const rowOf = (seq: number) => ({ seq, kind: 'fire', outcome: 'created', hookGroupId: 'g', hookId: 'h', ended: '' });
const eventsOf = (...seqs: number[]) =>
  seqs.map((seq) => `id: ${seq}\ndata: ${JSON.stringify(rowOf(seq))}\n\n`).join('');

type Answer = string | Error;

/** Each answer is that to a call of its own; a stream that holds `break` breaks off there. */
const follow = async (...answers: readonly Answer[]) => {
  const asked: unknown[] = [];
  const shown: number[] = [];
  const remarks: string[] = [];
  const left = [...answers];
  const hooks = {
    searchFires: async () => ({ fires: [rowOf(5)] }),
    followFires: async (query: unknown) => {
      asked.push(query);
      const answer = left.shift() ?? '';
      if (answer instanceof Error) throw answer;
      const pieces = answer.split('break');
      return {
        body: ReadableStream.from(
          (function* () {
            yield new TextEncoder().encode(pieces[0]);
            if (pieces.length > 1) throw new TypeError('terminated');
          })(),
        ),
      };
    },
  };
  const call = {
    text: () => undefined,
    list: () => [],
    output: {
      isJson: true,
      line: (text: string) => void shown.push((JSON.parse(text) as { seq: number }).seq),
      remark: (text: string) => void remarks.push(text),
    },
    clock: { sleep: async () => void (left.length === 0 && process.emit('SIGINT')) },
    connect: async () => ({ hooks }) as unknown as Connection,
  } as unknown as Call;
  try {
    assert.equal(await followFires(call), 0);
  } finally {
    process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
  }
  return { asked, shown, remarks };
};

const away = new ApiCallError('away', { code: 'ConnectionFailed', method: 'followFires' });

test('after a break it goes on from the last row, and shows none a second time', async () => {
  const { asked, shown, remarks } = await follow(`${eventsOf(6, 7)}break`, away, away, eventsOf(7, 8), eventsOf(9));
  assert.deepEqual(shown, [6, 7, 8, 9]);
  assert.deepEqual(asked, [{}, { after: 7 }, { after: 7 }, { after: 7 }, { after: 8 }]);
  const [begun, ...rest] = remarks;
  assert.match(begun ?? '', /^Following/);
  assert.deepEqual(rest, ['The server cannot be reached; waiting for it.', 'The server is there again.']);
});

test('what came during a break before the first row is not lost either', async () => {
  const { asked, shown } = await follow('', eventsOf(6));
  assert.deepEqual([asked, shown], [[{}, { after: 5 }], [6]]);
});

test('a gap is told, and a refusal ends it', async () => {
  const gap = 'event: gap\ndata: {"until":"2026-01-01T00:00:00.000Z"}\n\n';
  assert.match((await follow(gap)).remarks[1] ?? '', /before 2026-01-01T00:00:00\.000Z .*fires search/);
  const refused = new ApiCallError('no', { code: 'InsufficientScopes', method: 'followFires', statusCode: 403 });
  await assert.rejects(follow(eventsOf(6), refused), { code: 'InsufficientScopes' });
  await assert.rejects(follow(away), { code: 'ConnectionFailed' });
});
