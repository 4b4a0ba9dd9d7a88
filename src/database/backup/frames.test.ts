import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createFrameWriter, type Frame, pack, readFrames, unpack } from './frames.ts';

const readAll = async (file: Buffer, sizes: readonly number[] = [7]): Promise<Frame[]> => {
  async function* pieces() {
    for (let [at, turn] = [0, 0]; at < file.length; turn += 1) {
      const size = sizes[turn % sizes.length] as number;
      yield file.subarray(at, at + size);
      at += size;
    }
  }
  const frames: Frame[] = [];
  for await (const frame of readFrames(pieces(), 'the file')) frames.push(frame);
  return frames;
};

const contents = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 6 });

const fileOf = (parts: readonly Uint8Array[]): Buffer => {
  const writer = createFrameWriter();
  const begin = writer.begin();
  const frames = parts.map((content) => writer.frame('D', Buffer.from(content)));
  return Buffer.concat([begin, ...frames, writer.end({ rows: {} })]);
};

describe('the frames of a backup', () => {
  it('are read as they were written, in whatever pieces they come', async () => {
    await fc.assert(
      fc.asyncProperty(
        contents,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
        async (parts, sizes) => {
          const frames = await readAll(fileOf(parts), sizes);
          assert.deepEqual(
            frames.map(({ kind, content }) => (kind === 'E' ? 'end' : [...content])),
            [...parts.map((part) => [...part]), 'end'],
          );
        },
      ),
    );
  });

  it('are refused wherever they were cut off', async () => {
    const file = fileOf([Buffer.from('one'), Buffer.from('two')]);
    for (let length = 0; length < file.length; length += 1) {
      await assert.rejects(readAll(file.subarray(0, length)), { code: 'HW_BACKUP_DAMAGED' }, `${length} bytes`);
    }
  });

  it('are refused whatever bit of them was turned', async () => {
    const file = fileOf([Buffer.from('one'), Buffer.from('two')]);
    for (let bit = 0; bit < file.length * 8; bit += 1) {
      const altered = Buffer.from(file);
      altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7));
      await assert.rejects(readAll(altered), { code: /^HW_BACKUP_(DAMAGED|TOO_NEW)$/ }, `bit ${bit}`);
    }
  });

  it('are refused when whole ones of them are missing, doubled, or follow after the end', async () => {
    const writer = createFrameWriter();
    const [begin, one, two] = [
      writer.begin(),
      writer.frame('D', Buffer.from('1')),
      writer.frame('D', Buffer.from('2')),
    ];
    const end = writer.end({});
    assert.equal((await readAll(Buffer.concat([begin, one, two, end]))).length, 3);
    for (const order of [
      [begin, one, end],
      [begin, two, one, end],
      [begin, one, two, two, end],
      [begin, one, two, end, end],
    ]) {
      await assert.rejects(readAll(Buffer.concat(order)), { code: 'HW_BACKUP_DAMAGED' });
    }
  });

  it('of a later format say so', async () => {
    const file = Buffer.from('hookwright backup 2\nsomething');
    await assert.rejects(readAll(file), { code: 'HW_BACKUP_TOO_NEW' });
  });

  it('give back the rows that were packed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (rows) => {
        assert.deepEqual([...(await unpack(await pack(Buffer.from(rows))))], [...rows]);
      }),
    );
  });
});
