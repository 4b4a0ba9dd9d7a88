// What the hooks service publishes: that a hook was made, changed or removed, for those who keep a
// list of hooks of their own.
import Type from 'typebox';
import type { ExchangesDeclaration } from '../../http/api-method.ts';

const HOOK_CHANGED = {
  name: 'pulse-hook-changed-message',
  schema: Type.Object({ hookGroupId: Type.String(), hookId: Type.String() }, { additionalProperties: false }),
};

const RESERVED = {
  name: 'reserved',
  summary: 'Kept for what may come: match it with `#`, as clients do when nothing is said.',
  multipleWords: true,
  required: false,
} as const;

const entry = (name: string, exchange: string, title: string, description: string) => ({
  ...{ name, exchange, title, description },
  routingKey: [RESERVED],
  schema: HOOK_CHANGED,
});

export const HOOK_EXCHANGES: ExchangesDeclaration = {
  title: 'Exchanges of the hooks service',
  description: 'A message for each change of a hook. It names the hook; ask the API what it is now.',
  entries: [
    entry('hookCreated', 'hook-created', 'Hook Created Messages', 'A hook was created.'),
    entry('hookUpdated', 'hook-updated', 'Hook Updated Messages', 'The definition of a hook was replaced.'),
    entry('hookDeleted', 'hook-deleted', 'Hook Deleted Messages', 'A hook was removed.'),
  ],
};
