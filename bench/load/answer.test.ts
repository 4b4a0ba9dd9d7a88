import { deepEqual, equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { readAnswer } from './answer.ts';

const BODY = '{"taskId":"x"}';
const WITH_LENGTH = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
const CHUNKED = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n${BODY.slice(0, 5)}\r\n9;note=1\r\n${BODY.slice(5)}\r\n0\r\n\r\n`;
const WITH_TRAILER = CHUNKED.replace(/\r\n$/, 'x-note: 1\r\n\r\n');

for (const [name, answer] of Object.entries({ WITH_LENGTH, CHUNKED, WITH_TRAILER })) {
  test(`an answer (${name}) is complete at its last byte, not earlier, and leaves what follows alone`, () => {
    for (let length = 0; length < answer.length; length++) equal(readAnswer(answer.slice(0, length)), undefined);
    const whole = { status: 200, body: BODY, length: answer.length, closesConnection: false };
    deepEqual(readAnswer(answer), whole);
    deepEqual(readAnswer(`${answer}HTTP/1.1 500 `), whole);
  });
}

test('an answer without a length ends with its connection', () => {
  const answer = `HTTP/1.1 200 OK\r\n\r\n${BODY}`;
  equal(readAnswer(answer), undefined);
  deepEqual(readAnswer(answer, true), { status: 200, body: BODY, length: answer.length, closesConnection: true });
});

test('an answer that closes its connection says so', () => {
  equal(readAnswer('HTTP/1.1 503 No\r\ncontent-length: 0\r\nConnection: close\r\n\r\n')?.closesConnection, true);
});

test('an interim answer is skipped', () => {
  const interim = 'HTTP/1.1 100 Continue\r\n\r\n';
  equal(readAnswer(interim), undefined);
  deepEqual(readAnswer(interim + WITH_LENGTH), {
    status: 200,
    body: BODY,
    length: interim.length + WITH_LENGTH.length,
    closesConnection: false,
  });
});

test('what is not HTTP is refused', () => {
  throws(() => readAnswer('SSH-2.0\r\n\r\n'), /not an HTTP answer/);
});
