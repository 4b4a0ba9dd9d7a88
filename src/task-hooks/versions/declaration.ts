// The methods about the versions of hooks, as data: what they take, answer and ask for.
import Type, { type Static, type TSchema } from 'typebox';
import type { MethodDeclaration, NamedSchema } from '../../http/api-method.ts';
import { HOOK_DEFINITION, HOOK_GROUP_ID, HOOK_ID } from '../definition.ts';

const HOOK = { hookGroupId: HOOK_GROUP_ID, hookId: HOOK_ID };
/** As many digits as a number holds exactly. */
const VERSION = /^[1-9][0-9]{0,14}$/;

const versionNumber = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const version = {
  version: Type.Integer({
    description: 'Grows with each change on the server, whichever hook it is of: those of one hook leave gaps.',
  }),
  hookUid: Type.String({ description: 'A hook made again after it was removed has another.' }),
  revision: Type.Optional(Type.Integer({ description: 'Which the hook has had since, as its fires tell it.' })),
  action: Type.Enum(['created', 'changed', 'removed']),
  at: Type.String({ format: 'date-time' }),
  clientId: Type.String({ description: 'By whom.' }),
  requestId: Type.String(),
  origin: Type.Optional(
    Type.Enum(['api', 'command line', 'page'], { description: 'From where, as the caller says; no proof.' }),
  ),
  rolledBackTo: Type.Optional(Type.Integer({ description: 'The version whose definition was taken again.' })),
};
const hookVersion = Type.Object(version);
export type HookVersionRecord = Static<typeof hookVersion>;

const wholeVersion = Type.Object({
  ...version,
  definition: Type.Optional(HOOK_DEFINITION.schema as TSchema),
  diff: Type.Array(Type.String(), {
    description:
      'What differs from the version before, or from `against`, one line each: `~ /path: old → new`, `+ /path: new`, `- /path: old`.',
  }),
  diffIsCut: Type.Optional(Type.Boolean({ description: 'More differs than is told.' })),
});

const LIST_VERSIONS_RESPONSE: NamedSchema = {
  name: 'list-versions-response',
  schema: Type.Object({ versions: Type.Array(hookVersion), continuationToken: Type.Optional(Type.String()) }),
};
const HOOK_VERSION_RESPONSE: NamedSchema = { name: 'hook-version-response', schema: wholeVersion };

const rollback = Type.Object({ version: versionNumber }, { additionalProperties: false });
export type RollbackRequest = Static<typeof rollback>;
const ROLLBACK_REQUEST: NamedSchema = { name: 'rollback-hook-request', schema: rollback };

const common = { category: 'Hooks', stability: 'experimental', params: HOOK } as const;

export const VERSION_METHODS = [
  {
    ...common,
    name: 'listVersions',
    title: 'List the versions of a hook',
    description:
      'When and by whom a hook was created, changed or removed, newest first, at most 1000 a page; also of a hook that is there no more. Of ' +
      'Hookwright alone.',
    verb: 'GET',
    route: '/hooks/<hookGroupId>/<hookId>/versions',
    query: { continuationToken: /^.+$/s, limit: /^[1-9][0-9]*$/ },
    scopes: 'hooks:get:<hookGroupId>:<hookId>',
    output: LIST_VERSIONS_RESPONSE,
  },
  {
    ...common,
    name: 'hookVersion',
    title: 'Get a version of a hook',
    description:
      'The definition that a hook had at a version, and what it changed: against the version before, or against another one that is named. ' +
      'Only Hookwright has this method.',
    verb: 'GET',
    route: '/hooks/<hookGroupId>/<hookId>/versions/<version>',
    params: { ...HOOK, version: VERSION },
    query: { against: VERSION },
    scopes: 'hooks:get:<hookGroupId>:<hookId>',
    output: HOOK_VERSION_RESPONSE,
  },
  {
    ...common,
    name: 'rollbackHook',
    title: 'Roll a hook back to a version',
    description:
      'Gives a hook the definition that it had at a version: a change as any other, checked as any other. Its trigger token and its webhooks ' +
      'stay as they are. A hook that was removed is made again, without those that it had. Only Hookwright has this method.',
    verb: 'POST',
    route: '/hooks/<hookGroupId>/<hookId>/rollback',
    scopes: {
      AllOf: [
        'hooks:modify-hook:<hookGroupId>/<hookId>',
        'assume:hook-id:<hookGroupId>/<hookId>',
        'hooks:get:<hookGroupId>:<hookId>',
      ],
    },
    input: ROLLBACK_REQUEST,
    output: HOOK_DEFINITION,
  },
] as const satisfies readonly MethodDeclaration[];
