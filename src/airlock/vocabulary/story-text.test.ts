// What clients search for, and in what.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Story } from '../../community/types/story.ts';
import { decodeKnot } from './knot.ts';
import { contains, mentions, storyText } from './story-text.ts';

test('a text in a path is decoded, in whatever form it comes', () => {
  const cases: [string, string][] = [
    ['~~hello', 'hello'],
    ['~~~48.ello~2c..x~2f.y', 'Hello, x/y'],
    ['~~a.b~.c~~d-1', 'a b.c~d-1'],
    ['~~~1f44d.', '👍'],
    ['plain text', 'plain text'],
    ['~~~zz.', '~~~zz.'],
    ['~~~ffffff.x', 'x'],
    ['~~', ''],
  ];
  for (const [segment, text] of cases) assert.equal(decodeKnot(segment), text);
});

const encodeKnot = (text: string): string =>
  `~~${[...text]
    .map((char) => {
      if (/[a-z0-9-]/.test(char)) return char;
      if (char === ' ') return '.';
      if (char === '.' || char === '~') return `~${char}`;
      return `~${char.codePointAt(0)?.toString(16)}.`;
    })
    .join('')}`;

test('every text comes through a path', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => assert.equal(decodeKnot(encodeKnot(text)), text)));
});

const STORY = [
  { inline: ['Hello ', { bold: ['bright ', { italics: ['World'] }] }, { ship: '~nec' }, { break: null }] },
  { block: { image: { src: 'https://x.y/secret', height: 1, width: 1, alt: 'a cat' } } },
  { block: { header: { tag: 'h1', content: ['Title'] } } },
  { inline: [{ link: { href: 'https://hidden', content: 'a link' } }] },
] as unknown as Story;

test('a story is searched in what a reader sees of it', () => {
  assert.equal(storyText(STORY), 'Hello bright World~nec\na cat\nTitle\na link');
  for (const text of ['hello BRIGHT world', 'cat', 'title', 'A link']) assert.equal(contains(STORY, text), true, text);
  for (const text of ['secret', 'hidden', 'inline', 'h1', 'worldtitle']) assert.equal(contains(STORY, text), false);
});

test('a story mentions the ships that are named in it', () => {
  assert.equal(mentions(STORY, '~nec'), true);
  assert.equal(mentions(STORY, '~zod'), false);
});

test('a story that is nested without end is read as far as people write', () => {
  const deep: Story = JSON.parse(`${'['.repeat(50_000)}{"ship":"~nec"}${']'.repeat(50_000)}`);
  assert.equal(storyText(deep), '');
  assert.equal(mentions(deep, '~nec'), false);
});
