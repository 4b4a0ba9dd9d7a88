// What the auth service publishes: that a client or a role was made, changed or removed, for those
// who keep a list of their own.
import Type from 'typebox';
import type { ExchangeDeclaration, ExchangesDeclaration } from '../http/api-method.ts';

const RESERVED = {
  name: 'reserved',
  summary: 'Kept for what may come: match it with `#`, as clients do when nothing is said.',
  multipleWords: true,
  required: false,
} as const;

const message = (name: string, id: string) => ({
  name,
  schema: Type.Object({ version: Type.Literal(1), [id]: Type.String() }, { additionalProperties: false }),
});
const SCHEMAS = { client: message('client-message', 'clientId'), role: message('role-message', 'roleId') };

const entry = (entity: 'client' | 'role', event: 'created' | 'updated' | 'deleted'): ExchangeDeclaration => {
  const [Entity, Event] = [entity, event].map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return {
    name: `${entity}${Event}`,
    exchange: `${entity}-${event}`,
    title: `${Entity} ${Event} Messages`,
    description: `A ${entity} was ${event}.`,
    routingKey: [RESERVED],
    schema: SCHEMAS[entity],
  };
};

export const AUTH_EXCHANGES: ExchangesDeclaration = {
  title: 'Auth Events',
  description:
    'A message for each change of a client or a role. It names the client or role; ask the API what it is now.',
  entries: (['client', 'role'] as const).flatMap((entity) =>
    (['created', 'updated', 'deleted'] as const).map((event) => entry(entity, event)),
  ),
};
