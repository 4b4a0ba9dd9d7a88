// The hooks API as data: method, route, scopes, schemas. The server, the references, the typed
// client and the documentation come from it.
import type { ApiDeclaration, MethodDeclaration } from '../../http/api-method.ts';
import { BODY_LIMIT_BYTES } from '../../http/bodies/body.ts';
import {
  CREATE_HOOK_REQUEST,
  HOOK_DEFINITION,
  HOOK_GROUP_ID,
  HOOK_ID,
  HOOK_STATUS,
  LIST_FIRES_RESPONSE,
  LIST_HOOK_GROUPS_RESPONSE,
  LIST_HOOKS_RESPONSE,
  LIST_LAST_FIRES_RESPONSE,
  TRIGGER_HOOK_REQUEST,
  TRIGGER_HOOK_RESPONSE,
  TRIGGER_TOKEN_RESPONSE,
} from '../definition.ts';
import {
  LIST_WEBHOOKS_RESPONSE,
  PUT_WEBHOOK_REQUEST,
  ROTATE_WEBHOOK_SECRET_REQUEST,
  WEBHOOK,
  WEBHOOK_NAME,
} from '../deliveries/webhook-definition.ts';
import { DRY_RUN_METHODS } from '../dry-run/methods.ts';
import { REPLAY_METHODS } from '../replay/methods.ts';
import { VERSION_METHODS } from '../versions/declaration.ts';
import { HOOK_EXCHANGES } from './exchanges.ts';
import { LEDGER_METHODS } from './ledger/declaration.ts';

const GROUP = { hookGroupId: HOOK_GROUP_ID };
const HOOK = { ...GROUP, hookId: HOOK_ID };
const HOOK_AND_WEBHOOK = { ...HOOK, name: WEBHOOK_NAME };
/**
 * 1 MB. A definition is read, checked, compared, audited, stored and answered, each time as a whole
 * and on the main thread: 10 MB took 1.1 s of it. What people write by hand has some KB.
 */
const DEFINITION_BYTES = 1024 * 1024;
/**
 * What it takes to say what a hook does: one may not give a hook a role's power that one could not
 * use oneself.
 */
const MAY_DEFINE = {
  AllOf: ['hooks:modify-hook:<hookGroupId>/<hookId>', 'assume:hook-id:<hookGroupId>/<hookId>'],
} as const;

const METHODS = [
  {
    name: 'listHookGroups',
    title: 'List hook groups',
    description: 'The ids of all groups that have a hook.',
    category: 'Hooks',
    verb: 'GET',
    route: '/hooks',
    scopes: 'hooks:list-hooks:',
    output: LIST_HOOK_GROUPS_RESPONSE,
  },
  {
    name: 'listHooks',
    title: 'List hooks in a given group',
    description: 'The definitions of all hooks of a group, ordered by hookId.',
    category: 'Hooks',
    verb: 'GET',
    route: '/hooks/<hookGroupId>',
    params: GROUP,
    scopes: 'hooks:list-hooks:<hookGroupId>',
    output: LIST_HOOKS_RESPONSE,
  },
  {
    name: 'hook',
    title: 'Get hook definition',
    description: 'The definition of a hook.',
    category: 'Hooks',
    verb: 'GET',
    route: '/hooks/<hookGroupId>/<hookId>',
    params: HOOK,
    scopes: 'hooks:get:<hookGroupId>:<hookId>',
    output: HOOK_DEFINITION,
  },
  {
    name: 'getHookStatus',
    title: 'Get hook status',
    description:
      'How the last fire of a hook went, and when it is next due. `listLastFires` tells more; this method is deprecated.',
    category: 'Hook Status',
    stability: 'deprecated',
    verb: 'GET',
    route: '/hooks/<hookGroupId>/<hookId>/status',
    params: HOOK,
    scopes: 'hooks:status:<hookGroupId>/<hookId>',
    output: HOOK_STATUS,
  },
  {
    name: 'createHook',
    title: 'Create a hook',
    description: 'Creates a hook. An equal definition of an existing hook is a success, another one a conflict.',
    category: 'Hooks',
    verb: 'PUT',
    route: '/hooks/<hookGroupId>/<hookId>',
    params: HOOK,
    scopes: MAY_DEFINE,
    input: CREATE_HOOK_REQUEST,
    largestBody: DEFINITION_BYTES,
    output: HOOK_DEFINITION,
  },
  {
    name: 'updateHook',
    title: 'Update a hook',
    description:
      'Replaces the definition of a hook. Bindings that are left out stay as they are; so does the trigger token. When the hook is next due is ' +
      'found anew.',
    category: 'Hooks',
    verb: 'POST',
    route: '/hooks/<hookGroupId>/<hookId>',
    params: HOOK,
    scopes: MAY_DEFINE,
    input: CREATE_HOOK_REQUEST,
    largestBody: DEFINITION_BYTES,
    output: HOOK_DEFINITION,
  },
  {
    name: 'removeHook',
    title: 'Delete a hook',
    description: 'Removes a hook, if there is one. Tasks of its fires that are under way are still created.',
    category: 'Hooks',
    verb: 'DELETE',
    route: '/hooks/<hookGroupId>/<hookId>',
    params: HOOK,
    scopes: 'hooks:modify-hook:<hookGroupId>/<hookId>',
  },
  {
    name: 'triggerHook',
    title: 'Trigger a hook',
    description:
      'Fires the hook. The payload must fit its trigger schema. Answers the id of the task, or nothing when the template renders to nothing.',
    category: 'Hooks',
    verb: 'POST',
    route: '/hooks/<hookGroupId>/<hookId>/trigger',
    params: HOOK,
    scopes: 'hooks:trigger-hook:<hookGroupId>/<hookId>',
    input: TRIGGER_HOOK_REQUEST,
    largestBody: BODY_LIMIT_BYTES,
    leavesLargeUnparsed: true,
    output: TRIGGER_HOOK_RESPONSE,
  },
  {
    name: 'getTriggerToken',
    title: 'Get a trigger token',
    description: 'The secret with which anybody who knows it may trigger the hook.',
    category: 'Hooks',
    verb: 'GET',
    route: '/hooks/<hookGroupId>/<hookId>/token',
    params: HOOK,
    scopes: 'hooks:get-trigger-token:<hookGroupId>/<hookId>',
    output: TRIGGER_TOKEN_RESPONSE,
  },
  {
    name: 'resetTriggerToken',
    title: 'Reset a trigger token',
    description: 'Gives the hook a new trigger token. The old one is worth nothing from then on.',
    category: 'Hooks',
    verb: 'POST',
    route: '/hooks/<hookGroupId>/<hookId>/token',
    params: HOOK,
    scopes: 'hooks:reset-trigger-token:<hookGroupId>/<hookId>',
    output: TRIGGER_TOKEN_RESPONSE,
  },
  {
    name: 'triggerHookWithToken',
    title: 'Trigger a hook with a token',
    description:
      'As `triggerHook`, for callers that have no credentials but the trigger token: a webhook of another system.',
    category: 'Hooks',
    verb: 'POST',
    route: '/hooks/<hookGroupId>/<hookId>/trigger/<token>',
    params: HOOK,
    secretParams: ['token'],
    endsLine: true,
    input: TRIGGER_HOOK_REQUEST,
    largestBody: BODY_LIMIT_BYTES,
    leavesLargeUnparsed: true,
    output: TRIGGER_HOOK_RESPONSE,
  },
  {
    name: 'listWebhooks',
    title: 'List the webhooks of a hook',
    description: 'The ways in that other systems have to this hook, ordered by name. Only Hookwright has this method.',
    category: 'Webhooks',
    stability: 'experimental',
    verb: 'GET',
    route: '/hooks/<hookGroupId>/<hookId>/webhooks',
    params: HOOK,
    scopes: 'hooks:modify-hook:<hookGroupId>/<hookId>',
    output: LIST_WEBHOOKS_RESPONSE,
  },
  {
    name: 'webhook',
    title: 'Get a webhook',
    description: 'The settings and the address of a webhook, without its secrets. Only Hookwright has this method.',
    category: 'Webhooks',
    stability: 'experimental',
    verb: 'GET',
    route: '/hooks/<hookGroupId>/<hookId>/webhooks/<name>',
    params: HOOK_AND_WEBHOOK,
    scopes: 'hooks:modify-hook:<hookGroupId>/<hookId>',
    output: WEBHOOK,
  },
  {
    name: 'putWebhook',
    title: 'Set a webhook',
    description:
      'Makes a webhook, or replaces its settings. Secrets and `verifyToken` that are left out stay as they are; so does the address. Of ' +
      'Hookwright alone.',
    category: 'Webhooks',
    stability: 'experimental',
    verb: 'PUT',
    route: '/hooks/<hookGroupId>/<hookId>/webhooks/<name>',
    params: HOOK_AND_WEBHOOK,
    scopes: MAY_DEFINE,
    input: PUT_WEBHOOK_REQUEST,
    output: WEBHOOK,
  },
  {
    name: 'removeWebhook',
    title: 'Delete a webhook',
    description:
      'Removes a webhook, if there is one. Its address leads nowhere from then on. Only Hookwright has this method.',
    category: 'Webhooks',
    stability: 'experimental',
    verb: 'DELETE',
    route: '/hooks/<hookGroupId>/<hookId>/webhooks/<name>',
    params: HOOK_AND_WEBHOOK,
    scopes: 'hooks:modify-hook:<hookGroupId>/<hookId>',
  },
  {
    name: 'rotateWebhookSecret',
    title: 'Give a webhook a new secret',
    description:
      'The secret of before is good beside the new one until the next change of them, so that the sender can change over without a gap. Of ' +
      'Hookwright alone.',
    category: 'Webhooks',
    stability: 'experimental',
    verb: 'POST',
    route: '/hooks/<hookGroupId>/<hookId>/webhooks/<name>/secret',
    params: HOOK_AND_WEBHOOK,
    scopes: MAY_DEFINE,
    input: ROTATE_WEBHOOK_SECRET_REQUEST,
    output: WEBHOOK,
  },
  {
    name: 'listLastFires',
    title: 'Get information about recent hook fires',
    description: 'The last fires of a hook, newest first, at most 1000 a page. Every attempt to create a task is one.',
    category: 'Hook Status',
    verb: 'GET',
    route: '/hooks/<hookGroupId>/<hookId>/last-fires',
    params: HOOK,
    query: { continuationToken: /^.+$/s, limit: /^[0-9]+$/ },
    scopes: 'hooks:list-last-fires:<hookGroupId>/<hookId>',
    output: LIST_LAST_FIRES_RESPONSE,
  },
  {
    name: 'listFires',
    title: 'List everything that became of the events of a hook',
    description:
      'All that the ledger has of a hook, newest first: also what was declined, rejected or missed, and why. Only Hookwright has ' +
      'this method.',
    category: 'Hook Status',
    stability: 'experimental',
    verb: 'GET',
    route: '/hooks/<hookGroupId>/<hookId>/fires',
    params: HOOK,
    query: { continuationToken: /^.+$/s, limit: /^[0-9]+$/ },
    scopes: 'hooks:list-last-fires:<hookGroupId>/<hookId>',
    output: LIST_FIRES_RESPONSE,
  },
  ...DRY_RUN_METHODS,
  ...VERSION_METHODS,
  ...REPLAY_METHODS,
  ...LEDGER_METHODS,
] as const satisfies readonly MethodDeclaration[];

type Declared = (typeof METHODS)[number];

/** Without `ping` and its like, which every service has (http/). */
export const HOOKS_API: ApiDeclaration<MethodDeclaration & { readonly name: Declared['name'] }> = {
  service: 'hooks',
  title: 'Hooks Service',
  description: 'Hooks create tasks in response to events: times, API calls, webhooks and messages.',
  methods: METHODS,
  exchanges: HOOK_EXCHANGES,
};
