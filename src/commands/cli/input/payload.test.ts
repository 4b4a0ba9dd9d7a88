import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readConfig } from '../../../config.ts';
import { connectApi } from '../../calls/api-connection.ts';
import { findBackupFile } from '../../data/backup-file.ts';
import type { Call } from '../command.ts';
import { readPayload } from './payload.ts';
import { readDocument } from './read-document.ts';

let cwd = '';
before(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'hookwright-payload-'));
  await mkdir(join(cwd, 'folder'));
  await writeFile(join(cwd, 'file'), '{"who": "file"}');
});
after(() => rm(cwd, { recursive: true }));

const callWith = (texts: Readonly<Record<string, string>>) =>
  ({ text: (name: string) => texts[name], cwd, stdin: process.stdin }) as unknown as Call;

test('a payload comes from an option or from a file', async () => {
  assert.deepEqual(await readPayload(callWith({ FILE: 'file' })), { who: 'file' });
  assert.deepEqual(await readPayload(callWith({ payload: '{"n": 1}' })), { n: 1 });
  assert.deepEqual(await readPayload(callWith({})), {});
});

test('a word where a file is meant is answered with how a payload is given', async () => {
  for (const [word, payload] of [
    ['who=me', `'{"who": "me"}'`],
    ['n=1', `'{"n": 1}'`],
    ["who=it's", `'{"who": "it'\\''s"}'`],
    ['{"who": "me"}', `'{"who": "me"}'`],
  ] as const) {
    await assert.rejects(readPayload(callWith({ FILE: word })), {
      code: 'HW_BAD_OPTION',
      message: `"${word}" is not a file. For a payload on the command line: --payload ${payload}`,
    });
  }
});

test('a file that cannot be read is named, with the reason in words, by all that read files', async () => {
  const env = { HOME: cwd };
  const readers: ((path: string) => unknown)[] = [
    (path) => readDocument(path, callWith({})),
    (path) => readPayload(callWith({ FILE: path })),
    (path) => findBackupFile(path, callWith({})).then(({ open }) => Array.fromAsync(open())),
    (path) => connectApi({ data: path, rootUrl: undefined, clientId: undefined, env, cwd }),
    (path) => readConfig(['--config', path], {}, cwd),
    (path) => readConfig(['--encryption-key-file', path], {}, cwd),
  ];
  for (const [path, reason] of [
    ['none', /there is no such file/],
    ['folder', /it is a folder|there is no such file/],
    ['file/below', /a part of its path is a file, not a folder/],
  ] as const) {
    for (const [at, read] of readers.entries()) {
      await assert.rejects(
        async () => read(path),
        ({ message }: Error) => {
          assert.match(message, reason, `${at} ${path}`);
          assert.ok(message.includes(path), message);
          assert.doesNotMatch(message, /\bE[A-Z]{4,}\b/);
          return true;
        },
      );
    }
  }
});
