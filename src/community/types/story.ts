// Story: the rich text of posts, replies and messages.
import { type Static, Type } from 'typebox';
import { Flag, Nest, Nothing, Ship, Text } from '../schema/scalars.ts';
import { nullable, variants } from '../schema/schema.ts';

export const KindData = variants(
  {
    diary: Type.Object({ title: Text, image: Text }),
    heap: nullable(Text),
    chat: nullable(Type.Object({ notice: Nothing })),
  },
  { title: 'KindData', description: 'What a post has besides its text. Must fit the kind of the channel.' },
);
export type KindData = Static<typeof KindData>;

const inlines = Type.Array(Type.Ref('Inline'));

export const Inline = Type.Cyclic(
  {
    Inline: Type.Union(
      [
        Type.String(),
        Type.Object({ italics: inlines }),
        Type.Object({ bold: inlines }),
        Type.Object({ strike: inlines }),
        Type.Object({ blockquote: inlines }),
        Type.Object({ ship: Ship }),
        Type.Object({ 'inline-code': Text }),
        Type.Object({ code: Text }),
        Type.Object({ tag: Text }),
        Type.Object({ break: Nothing }),
        Type.Object({ block: Type.Object({ index: Type.Number(), text: Text }) }),
        Type.Object({ link: Type.Object({ href: Text, content: Text }) }),
        Type.Object({ task: Type.Object({ checked: Type.Boolean(), content: inlines }) }),
      ],
      { open: true },
    ),
  },
  'Inline',
  { title: 'Inline', description: 'A piece of running text. Kinds that are not listed pass through untouched.' },
);
export type Inline = Static<typeof Inline>;

export const Listing = Type.Cyclic(
  {
    Listing: Type.Union([
      Type.Object({
        list: Type.Object({ type: Text, items: Type.Array(Type.Ref('Listing')), contents: Type.Array(Inline) }),
      }),
      Type.Object({ item: Type.Array(Inline) }),
    ]),
  },
  'Listing',
  { title: 'Listing', description: 'A list (`ordered`, `unordered` or `tasklist`) or an item of one.' },
);
export type Listing = Static<typeof Listing>;

export const Cite = variants(
  {
    group: Flag,
    desk: Type.Object({ flag: Flag, where: Text }),
    chan: Type.Object({ nest: Nest, where: Text }),
    bait: Type.Object({ group: Text, graph: Text, where: Text }),
  },
  { title: 'Cite', description: 'A reference to a group, an app, or a post; `where` is a path.' },
);
export type Cite = Static<typeof Cite>;

export const Block = variants(
  {
    rule: Nothing,
    cite: Cite,
    listing: Listing,
    code: Type.Object({ code: Text, lang: Text }),
    header: Type.Object({ tag: Text, content: Type.Array(Inline) }),
    image: Type.Object({ src: Text, height: Type.Number(), width: Type.Number(), alt: Text }),
  },
  { title: 'Block', description: 'A paragraph that is not running text. Unlisted kinds pass through.', open: true },
);
export type Block = Static<typeof Block>;

export const Verse = variants(
  { block: Block, inline: Type.Array(Inline) },
  { title: 'Verse', description: 'A paragraph.' },
);
export type Verse = Static<typeof Verse>;

export const Story = Type.Array(Verse, { title: 'Story', description: 'The text of a post.' });
export type Story = Static<typeof Story>;
