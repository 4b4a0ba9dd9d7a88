// What the API of the community takes and answers. Actions are checked by the types of the
// community itself, which say more than a schema here would.
import Type, { type TSchema } from 'typebox';
import type { NamedSchema } from '../../http/api-method.ts';

const closed = { additionalProperties: false };

export const schemaOf = (name: string, properties: Readonly<Record<string, TSchema>>): NamedSchema => ({
  name,
  schema: Type.Object({ ...properties }, closed),
});

export const CONTINUATION_TOKEN = Type.Optional(Type.String({ description: 'There is more: with this it goes on.' }));

export const SHIP_WITH_CODE = Type.Object(
  {
    ship: Type.String({ description: '`~sampel-palnet`' }),
    code: Type.String({ description: 'What the ship logs in with: four words.' }),
  },
  closed,
);

export const ACTION: NamedSchema = {
  name: 'action',
  schema: {
    title: 'Action',
    description:
      'An object with one of the keys `channels`, `groups`, `activity`, `dm`, `club` and `contacts`; what stands there is in the types of script hooks.',
    type: 'object',
  },
};

export const ACT_RESPONSE: NamedSchema = schemaOf('action-response', {
  id: Type.Optional(Type.String({ description: 'The post, reply or message that was made, in digits.' })),
  ignored: Type.Optional(
    Type.Array(Type.Object({ pointer: Type.String(), reason: Type.String() }, closed), {
      description: 'What of the action was left out.',
    }),
  ),
});

export const ANSWER: NamedSchema = {
  name: 'answer',
  schema: Type.Object({ ok: Type.Boolean({ description: 'Whether the ship accepts.' }) }, closed),
};
