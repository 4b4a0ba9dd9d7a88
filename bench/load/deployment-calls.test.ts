import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentCalls } from './deployment-calls.ts';

test('calls to a deployment are whole requests of one length, a question and a task in turn', () => {
  for (const task of ['{}', `{"payload":"${'x'.repeat(3_000)}"}`]) {
    const { bytes, length } = deploymentCalls({ host: '127.0.0.1', port: 80, task });
    equal(bytes.length % length, 0);
    const calls = Array.from({ length: 4 }, (_, index) =>
      bytes.toString('latin1', index * length, (index + 1) * length),
    );
    deepEqual(
      calls.map((call) => call.split(' ', 1)[0]),
      ['POST', 'PUT', 'POST', 'PUT'],
    );
    for (const call of calls) {
      const [head = '', body = ''] = call.split('\r\n\r\n');
      equal(Number(/\r\nContent-Length: (\d+)/.exec(head)?.[1]), body.length);
    }
    equal(calls[1]?.endsWith(task), true);
    equal(new Set(calls.filter((_, index) => index % 2 === 1)).size, 2);
  }
});
