// The hooks API, declared once: method, route, scopes, schemas, handler.
import type { AnySchemaObject } from 'ajv';
import Type from 'typebox';
import type { Clock } from '../core/clock.ts';
import { newSlugId, SLUG_ID } from '../core/ids.ts';
import { sameJson } from '../core/json.ts';
import { ApiError } from '../http/api-error.ts';
import type { ApiMethod, ApiRequest, ApiService } from '../http/api-method.ts';
import type { Ledger } from '../ledger/create-ledger.ts';
import type { Queue } from '../queue/queue.ts';
import {
  CREATE_HOOK_REQUEST,
  type CreateHookRequest,
  HOOK_DEFINITION,
  HOOK_GROUP_ID,
  HOOK_ID,
  type Hook,
  type HookDefinition,
  type HookName,
  TRIGGER_HOOK_REQUEST,
  TRIGGER_HOOK_RESPONSE,
} from './definition.ts';
import type { Evaluator } from './evaluator.ts';
import type { Firing } from './fire.ts';
import type { HookStore } from './hook-store.ts';
import { readLastFires } from './last-fires.ts';
import { triggerError } from './trigger-error.ts';

export type HooksApiSettings = {
  readonly hooks: HookStore;
  readonly evaluator: Evaluator;
  readonly firing: Firing;
  readonly ledger: Ledger;
  readonly queue: Queue;
  readonly settled: (hookUid: string) => Promise<void>;
  readonly clock: Clock;
};

const LAST_FIRES_RESPONSE = {
  name: 'list-lastFires-response',
  schema: Type.Object({ lastFires: Type.Array(Type.Object({})), continuationToken: Type.Optional(Type.String()) }),
};
const LONGEST_PAGE = 1_000;

const params = { hookGroupId: HOOK_GROUP_ID, hookId: HOOK_ID };
const nameIn = (request: ApiRequest<unknown>): HookName => ({
  hookGroupId: request.params.hookGroupId as string,
  hookId: request.params.hookId as string,
});

export const createHooksApi = (settings: HooksApiSettings): ApiService => ({
  service: 'hooks',
  title: 'Hooks Service',
  description: 'Hooks create tasks in response to events.',
  methods: [ping(settings), createHook(settings), getHook(settings), triggerHook(settings), listLastFires(settings)],
});

const ping = ({ clock }: HooksApiSettings): ApiMethod => {
  const began = clock.monotonic();
  return {
    name: 'ping',
    title: 'Ping Server',
    description: 'Answers without doing anything.',
    verb: 'GET',
    route: '/ping',
    handle: async () => ({ body: { alive: true, uptime: (clock.monotonic() - began) / 1000 } }),
  };
};

const createHook = ({ hooks, evaluator, clock }: HooksApiSettings): ApiMethod<CreateHookRequest> => ({
  name: 'createHook',
  title: 'Create a hook',
  description: 'Creates a hook. An equal definition of an existing hook is a success, another one a conflict.',
  verb: 'PUT',
  route: '/hooks/<hookGroupId>/<hookId>',
  params,
  scopes: { AllOf: ['hooks:modify-hook:<hookGroupId>/<hookId>', 'assume:hook-id:<hookGroupId>/<hookId>'] },
  input: CREATE_HOOK_REQUEST,
  output: HOOK_DEFINITION,
  handle: async (request) => {
    const definition = await checkDefinition(nameIn(request), request.payload, evaluator);
    if (await hooks.create(definition, clock.now())) return { body: definition };
    const known = await hooks.find(definition);
    if (known && sameJson(known.definition, definition)) return { body: definition };
    throw new ApiError('RequestConflict', `hook \`${definition.hookGroupId}/${definition.hookId}\` already exists.`);
  },
});

/** What the schema of the request cannot say. */
const checkDefinition = async (
  { hookGroupId, hookId }: HookName,
  request: CreateHookRequest,
  evaluator: Evaluator,
): Promise<HookDefinition> => {
  if (request.hookGroupId !== undefined && request.hookGroupId !== hookGroupId) {
    throw new ApiError('InputError', 'Hook Group Ids do not match');
  }
  if (request.hookId !== undefined && request.hookId !== hookId) {
    throw new ApiError('InputError', 'Hook Ids do not match');
  }
  const { metadata, task, bindings = [], schedule, triggerSchema } = request;
  // A schedule that is kept but never fires would be worse than none.
  if (schedule.length > 0) {
    throw new ApiError('InputError', 'This version of Hookwright fires no schedules yet. Leave `schedule` empty.');
  }
  if (bindings.length > 0) {
    throw new ApiError('InputError', 'This version of Hookwright follows no bindings yet. Leave `bindings` empty.');
  }
  const problem = await evaluator.checkTriggerSchema(triggerSchema as AnySchemaObject);
  if (problem !== undefined) {
    throw new ApiError('InputError', `triggerSchema is not a valid JSON schema:\n${problem}`);
  }
  return { hookGroupId, hookId, metadata, task, bindings, schedule, triggerSchema };
};

const noSuchHook = () => new ApiError('ResourceNotFound', 'No such hook');

const findHook = async (hooks: HookStore, name: HookName): Promise<Hook> => {
  const hook = await hooks.find(name);
  if (!hook) throw noSuchHook();
  return hook;
};

const getHook = ({ hooks }: HooksApiSettings): ApiMethod => ({
  name: 'hook',
  title: 'Get hook definition',
  description: 'The definition of a hook.',
  verb: 'GET',
  route: '/hooks/<hookGroupId>/<hookId>',
  params,
  scopes: 'hooks:get:<hookGroupId>:<hookId>',
  output: HOOK_DEFINITION,
  handle: async (request) => ({ body: (await findHook(hooks, nameIn(request))).definition }),
});

const triggerHook = ({ firing }: HooksApiSettings): ApiMethod<Record<string, unknown>> => ({
  name: 'triggerHook',
  title: 'Trigger a hook',
  description: 'Fires the hook. The payload must fit its trigger schema.',
  verb: 'POST',
  route: '/hooks/<hookGroupId>/<hookId>/trigger',
  params,
  scopes: 'hooks:trigger-hook:<hookGroupId>/<hookId>',
  input: TRIGGER_HOOK_REQUEST,
  output: TRIGGER_HOOK_RESPONSE,
  handle: async (request) => {
    const name = nameIn(request);
    const { payload, payloadBytes, caller, requestId } = request;
    const chosenTaskId = typeof payload.taskId === 'string' ? payload.taskId : undefined;
    const taskId = chosenTaskId !== undefined && SLUG_ID.test(chosenTaskId) ? chosenTaskId : newSlugId();
    const result = await firing.fire({
      ...name,
      firedBy: 'triggerHook',
      payload,
      payloadBytes,
      clientId: caller.clientId,
      taskId,
      chosenTaskId,
      requestId,
    });
    if (result.outcome === 'created' || result.outcome === 'pending') return { body: { taskId, status: { taskId } } };
    if (result.outcome === 'declined') return { body: {} };
    throw triggerError(name, taskId, result);
  },
});

const listLastFires = ({ hooks, ledger, queue, settled }: HooksApiSettings): ApiMethod => ({
  name: 'listLastFires',
  title: 'Get information about recent hook fires',
  description: 'The last fires of a hook, newest first.',
  verb: 'GET',
  route: '/hooks/<hookGroupId>/<hookId>/last-fires',
  params,
  query: { limit: /^[0-9]+$/, continuationToken: /^.+$/s },
  scopes: 'hooks:list-last-fires:<hookGroupId>/<hookId>',
  output: LAST_FIRES_RESPONSE,
  handle: async (request) => {
    const { limit, continuationToken } = request.query;
    const hook = await hooks.find(nameIn(request));
    const page = { limit: limit === undefined ? LONGEST_PAGE : Number(limit), continuationToken };
    const found = hook && page.limit > 0 ? await readLastFires({ ledger, queue, settled }, hook.uid, page) : undefined;
    if (!found || found.lastFires.length === 0) throw new ApiError('ResourceNotFound', 'No such hook or never fired');
    return { body: found };
  },
});
