// What the methods of dry runs do.
import { createHash } from 'node:crypto';
import { type Clock, toIso } from '../../core/clock.ts';
import { newSlugId, SLUG_ID } from '../../core/ids.ts';
import { ApiError } from '../../http/api-error.ts';
import type { ApiAnswer, ApiRequest } from '../../http/api-method.ts';
import { cut } from '../../http/cut.ts';
import { timeIn } from '../../http/request-checks.ts';
import type { CreateHookRequest, Hook, HookDefinition, HookName } from '../definition.ts';
import type { DryRun, Tried } from '../dry-run/dry-run.ts';
import { type EventAgain, type EventToTry, eventAgain, findWebhookOf, type KeptEvents } from '../dry-run/kept-event.ts';
import type { ComparedEvent, RenderLast } from '../dry-run/render-last.ts';
import type {
  Comparison,
  RenderAnswer,
  RenderDefinitionRequest,
  RenderHookRequest,
  RenderLastAnswer,
  RenderLastRequest,
  WhyNotRequest,
} from '../dry-run/shapes.ts';
import type { WhyNot } from '../dry-run/why-not.ts';
import { taskIdIn } from '../evaluation/evaluate.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { FiringContext } from '../evaluation/template.ts';
import { contextOf } from '../firing/evaluate-call.ts';
import type { HookCache } from '../hooks/hook-cache.ts';
import type { HookStore } from '../hooks/hook-store.ts';
import { checkDefinition, type DefinitionChecks } from './check-definition.ts';
import { triggerError } from './trigger-error.ts';

export type DryRunsSettings = DefinitionChecks & {
  readonly hooks: Pick<HookStore, 'find'>;
  /** Keeps what is compiled of the saved ones. */
  readonly cache: Pick<HookCache, 'reload'>;
  readonly evaluator: Evaluator;
  readonly dryRun: DryRun;
  readonly renderLast: RenderLast;
  readonly whyNot: WhyNot;
  readonly events: KeptEvents;
  readonly clock: Clock;
};

/** Parsed and written again for the answer. */
const LARGEST_TASK_TOLD = 256 * 1024;
const LONGEST_MESSAGE = 8_000;
const LONGEST_PLACE = 500;

export const createDryRunMethods = (settings: DryRunsSettings) => {
  const { hooks, cache, evaluator, dryRun, renderLast, whyNot, events, clock } = settings;

  const findHook = async (name: HookName): Promise<CompiledHook> => {
    const hook = await cache.reload(name);
    if (!hook) throw new ApiError('ResourceNotFound', 'No such hook');
    return hook;
  };

  /** Checked as it is when it is saved. */
  const compileUnsaved = async (name: HookName, request: CreateHookRequest, known?: HookDefinition) => {
    const definition = (await checkDefinition(name, request, settings))(known);
    // Compiled schemas are remembered by this: equal ones may share it.
    const uid = `unsaved-${createHash('sha256').update(JSON.stringify(definition.triggerSchema)).digest('hex')}`;
    return evaluator.compile({ uid, revision: 0, definition, sealedToken: undefined });
  };

  const findEvent = async (
    name: HookName,
    { seq, now, taskId = newSlugId() }: RenderHookRequest & { seq: number },
    request: ApiRequest<unknown>,
  ): Promise<EventAgain> => {
    request.authorize(`hooks:get-payload:${name.hookGroupId}/${name.hookId}`);
    const row = await events.find(seq);
    if (!row || row.hookGroupId !== name.hookGroupId || row.hookId !== name.hookId) {
      throw new ApiError('ResourceNotFound', `This hook has no fire ${seq}.`);
    }
    const kept = await events.read(row);
    const webhook = await findWebhookOf(row, kept, events.findWebhook);
    const event = eventAgain(row, kept, { taskId, now: timeIn('now', now) ?? clock.now(), webhook });
    if (typeof event === 'string') throw new ApiError('ResourceNotFound', event);
    return event;
  };

  const tryOn = async (
    hook: CompiledHook,
    name: HookName,
    asked: RenderHookRequest,
    request: ApiRequest<unknown>,
    saved: Hook | undefined,
  ): Promise<ApiAnswer> => {
    const { seq } = asked;
    const isMade = asked.firedBy !== undefined || asked.payload !== undefined || asked.webhook !== undefined;
    if (seq !== undefined && isMade) {
      const message = 'Give either `seq`, or `firedBy`, `payload` and `webhook`: a kept event has its own.';
      throw new ApiError('InputError', message);
    }
    const { clientId } = request.caller;
    const event =
      seq === undefined ? madeEvent(asked, clientId, clock) : await findEvent(name, { ...asked, seq }, request);
    return { body: answerOf(name, event, await dryRun(hook, event, saved)) };
  };

  return {
    renderHook: async (request: ApiRequest<RenderHookRequest>) => {
      const hook = await findHook(request.params as HookName);
      return tryOn(hook, request.params as HookName, request.payload, request, hook);
    },

    renderDefinition: async (request: ApiRequest<RenderDefinitionRequest>) => {
      const { definition, hookGroupId, hookId, ...asked } = request.payload;
      const place = `${hookGroupId}/${hookId}`;
      request.authorize({ AllOf: [`hooks:modify-hook:${place}`, `assume:hook-id:${place}`] });
      const name = { hookGroupId, hookId };
      return tryOn(
        await compileUnsaved(name, definition as CreateHookRequest),
        name,
        asked,
        request,
        await hooks.find(name),
      );
    },

    renderLast: async (request: ApiRequest<RenderLastRequest>) => {
      const { definition, most, outcome } = request.payload;
      const name = request.params as HookName;
      const saved = await findHook(name);
      const changed = await compileUnsaved(name, definition as CreateHookRequest, saved.definition);
      const { events: compared, notKept, isCut } = await renderLast(saved, changed, { most, outcome });
      const told = compared.map((one) => comparisonOf(name, one));
      return { body: { events: told, notKept, ...(isCut && { isCut }) } satisfies RenderLastAnswer };
    },

    whyNot: async (request: ApiRequest<WhyNotRequest>) => {
      const { exchange, routingKey, at } = request.payload;
      const isOfMessage = exchange !== undefined && routingKey !== undefined;
      if (isOfMessage === (at !== undefined) || (exchange === undefined) !== (routingKey === undefined)) {
        throw new ApiError('InputError', 'Give either `exchange` and `routingKey`, of a message, or `at`, a time.');
      }
      const hook = await findHook(request.params as HookName);
      const body = isOfMessage
        ? await whyNot.ofMessage(hook, exchange, routingKey)
        : await whyNot.ofTime(hook, timeIn('at', at) ?? clock.now());
      return { body };
    },
  };
};

type MadeEvent = EventToTry & Partial<Pick<EventAgain, 'isRedacted'>>;

const madeEvent = (asked: RenderHookRequest, clientId: string | undefined, clock: Clock): MadeEvent => {
  const { firedBy = 'triggerHook', now, webhook } = asked;
  if (firedBy === 'schedule' && asked.payload !== undefined) {
    throw new ApiError('InputError', 'A hook that fires by its schedule gets no payload. Leave it out.');
  }
  const isCall = firedBy === 'triggerHook' || firedBy === 'triggerHookWithToken';
  const { payload = isCall ? {} : null } = asked;
  if (isCall && (typeof payload !== 'object' || payload === null || Array.isArray(payload))) {
    throw new ApiError('InputError', 'The payload of a call is an object.');
  }
  const chosenTaskId = isCall ? taskIdIn(payload) : undefined;
  const { taskId = newSlugId() } = asked;
  const ownTaskId = chosenTaskId !== undefined && SLUG_ID.test(chosenTaskId) ? chosenTaskId : taskId;
  const call = { firedBy, taskId: ownTaskId, payload, clientId: firedBy === 'triggerHook' ? clientId : undefined };
  const payloadBytes = (firedBy === 'schedule' ? 0 : bytesOf(payload)) + (webhook ? bytesOf(webhook) : 0);
  const context = { ...contextOf(call, timeIn('now', now) ?? clock.now()), ...(webhook && { webhook }) };
  return { context: context as FiringContext, payloadBytes, chosenTaskId };
};

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

const answerOf = (name: HookName, event: MadeEvent, tried: Tried): RenderAnswer => {
  const { evaluation, result, ranIn, unchecked } = tried;
  const { context, isRedacted } = event;
  const { firedBy, taskId, now } = context;
  const error = errorOf(name, taskId, tried);
  const wasAsked = result.outcome === 'created' || result.outcome === 'pending' || result.outcome === 'refused';
  return {
    ...{ outcome: outcomeOf(tried), firedBy, taskId, now, evaluatedIn: ranIn },
    ...('payload' in context && schemaVerdict(tried)),
    ...(evaluation.outcome === 'failed' && evaluation.step !== 'validated' && { template: placed(evaluation.message) }),
    ...(evaluation.outcome === 'rendered' && taskTold(evaluation.task)),
    ...(wasAsked && {
      queue: { accepts: result.outcome !== 'refused', ...(unchecked !== undefined && { unchecked }) },
    }),
    ...(result.outcome === 'refused' && result.refusal.missing && { missingScopes: result.refusal.missing }),
    ...(isRedacted && { isRedacted }),
    ...(error && { error }),
  };
};

const outcomeOf = ({ evaluation, result: { outcome } }: Tried): RenderAnswer['outcome'] => {
  if (outcome === 'refused') return 'failed';
  return (outcome === 'not-rendered' ? evaluation.outcome : outcome) as RenderAnswer['outcome'];
};

/** Throws it when trying again may help: it says nothing of the event. */
const errorOf = (name: HookName, taskId: string, { result }: Tried): RenderAnswer['error'] => {
  const { outcome } = result;
  if (outcome === 'created' || outcome === 'pending' || outcome === 'declined') return undefined;
  const error = triggerError(name, taskId, result);
  if (error.code === 'ServiceUnavailable') throw error;
  return { code: error.code, message: cut(error.message, LONGEST_MESSAGE) };
};

const schemaVerdict = ({ evaluation }: Tried): Pick<RenderAnswer, 'schema'> => {
  if (evaluation.outcome === 'limited') return {};
  if (evaluation.outcome === 'failed' && evaluation.step === 'validated') {
    return { schema: { fits: false, problems: [{ problem: cut(evaluation.message, LONGEST_MESSAGE) }] } };
  }
  if (evaluation.outcome !== 'rejected' || !evaluation.pointers) return { schema: { fits: true } };
  const { problems, pointers } = evaluation;
  const told = problems.map((problem, index) => {
    const pointer = pointers[index];
    return { problem, ...(pointer !== undefined && { pointer }) };
  });
  return { schema: { fits: false, problems: told } };
};

/** Errors of templates that have a place begin with it: `TemplateError at template.payload: …`. */
const placed = (message: string): NonNullable<RenderAnswer['template']> => {
  const place = /^\w+ at (template\S*?): /.exec(message)?.[1];
  const problem = cut(message, LONGEST_MESSAGE);
  return place === undefined ? { problem } : { problem, place: cut(place, LONGEST_PLACE) };
};

const taskTold = (task: string): Pick<RenderAnswer, 'task' | 'taskBytes'> => {
  const taskBytes = Buffer.byteLength(task);
  return taskBytes > LARGEST_TASK_TOLD ? { taskBytes } : { task: JSON.parse(task) as object, taskBytes };
};

const comparisonOf = (name: HookName, { row, verdict, was, is, diff }: ComparedEvent): Comparison => {
  const error = errorOf(name, row.taskId ?? '', is);
  return {
    ...{ seq: row.seq, arrived: toIso(row.arrived), verdict, was: outcomeOf(was), is: outcomeOf(is) },
    ...(error && { error }),
    ...(diff.length > 0 && { diff: [...diff] }),
  };
};
