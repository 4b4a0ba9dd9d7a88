// What is searched for, and in what.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Story } from '../../community/types/story.ts';
import { searchedText, textOfStory } from './search-text.ts';

test('a searched text is read as clients write it into a path', () => {
  const cases = [
    ['~~hello.world', 'hello world'],
    ['~~~48.ello~2c..x~2f.y', 'Hello, x/y'],
    ['~~a~.b~~c', 'a.b~c'],
    ['~~~1f44d.', '👍'],
    ['~~~ffffff.', ''],
    ['~~', ''],
    ['plain text', 'plain text'],
    ['~~Not.a.knot', '~~Not.a.knot'],
  ];
  for (const [part = '', text] of cases) assert.equal(searchedText(part), text, part);
});

test('the text of a story is what is read of it', () => {
  const story: Story = [
    { inline: ['Hello ', { bold: ['big ', { italics: ['world'] }] }, { break: null }, { ship: '~nec' }] },
    { block: { code: { code: 'let x', lang: 'hoon' } } },
    { block: { image: { src: 'http://x/y.png', alt: 'a cat', height: 1, width: 1 } } },
    { inline: [{ link: { href: 'http://z', content: 'there' } }] },
  ];
  assert.equal(textOfStory(story), 'Hello big world\n~nec\nlet xa cathttp://zthere\n');
});

test('a text that is nested without end is read as far as people write', () => {
  const deep = `${'['.repeat(50_000)}"x"${']'.repeat(50_000)}`;
  assert.equal(textOfStory(JSON.parse(deep)), '');
});
