// Where an evaluation runs: here, when the static checks prove its cost linear and the payload is
// small; else in a worker.
import type { AnySchemaObject } from 'ajv';
import { copyJson } from '../../core/json.ts';
import { SMALL_BODY_BYTES } from '../../http/bodies/body.ts';
import type { Hook, HookDefinition } from '../definition.ts';
import { type DeliveredBody, prepareDelivery } from '../webhooks/prepare-delivery.ts';
import {
  bytesOfSeen,
  type DeliveryEvaluation,
  type Evaluation,
  evaluate,
  seenDelivery,
  type UnparsedEvaluation,
  type UnparsedJob,
} from './evaluate.ts';
import { warningsOfEvaluation } from './evaluation-warnings.ts';
import type { EvaluationPool, PoolAnswer } from './pool.ts';
import { compileQuickTemplate, type QuickTemplate } from './quick-template.ts';
import { costOfSchema, type SchemaCost } from './schema-cost.ts';
import { countInsertions, type FiringContext, type Unrendered } from './template.ts';
import { compileTriggerSchema, type SchemaCompilation } from './trigger-schema.ts';

/** A hook with what is made of its definition once. */
export type CompiledHook = Hook & {
  /** Present when this hook's evaluations may run on the main thread. */
  readonly linear:
    | {
        readonly schema: () => SchemaCompilation;
        readonly quick: () => QuickTemplate | undefined;
        readonly insertions: number;
        readonly cost: SchemaCost;
        readonly hasDefaults: boolean;
      }
    | undefined;
};

export type Evaluator = {
  readonly compile: (hook: Hook) => CompiledHook;
  /**
   * @param payloadBytes the size of the payload as JSON; 0 when there is none.
   * @param mayBeHere false: in another process, however cheap it is.
   */
  readonly evaluate: (
    hook: CompiledHook,
    context: FiringContext,
    payloadBytes: number,
    mayBeHere?: boolean,
  ) => Promise<Evaluation>;
  /** Whether payloads of this size are evaluated on the main thread, and not in another process. */
  readonly isHere: (hook: CompiledHook, payloadBytes: number) => boolean;
  /**
   * The same for a payload that was not parsed: that is done in another process, however cheap the
   * rest is.
   */
  readonly evaluateUnparsed: (
    hook: CompiledHook,
    context: FiringContext,
    payload: Pick<UnparsedJob, 'body' | 'choosesTaskId'>,
  ) => Promise<UnparsedEvaluation>;
  /** The same for what a webhook was sent: with its own condition and shape. */
  readonly evaluateDelivery: (
    hook: CompiledHook,
    context: FiringContext,
    delivery: DeliveredBody,
  ) => Promise<DeliveryEvaluation>;
  /**
   * For events without a payload: the task at once, when its cost is known to be small; undefined:
   * store it unrendered.
   */
  readonly renderNow: (hook: CompiledHook, context: FiringContext) => Evaluation | undefined;
  /** Of a fire that was stored unrendered. Never rejects. */
  readonly renderStored: (unrendered: Unrendered) => Promise<Evaluation>;
  /**
   * What is wrong with a trigger schema, for the author of the hook; undefined when it can be used.
   */
  readonly checkTriggerSchema: (schema: AnySchemaObject) => Promise<string | undefined>;
  /** What a definition that can be saved may not mean; one text each. */
  readonly warningsOf: (definition: Pick<HookDefinition, 'task' | 'triggerSchema'>) => Promise<readonly string[]>;
};

/**
 * Linear is not enough. Schema × payload in bytes, and instructions of a pattern × payload:
 * measured at most some 20 ms, when every value is wrong in every way.
 */
const LARGEST_CHECK_HERE = 1024 * 1024;
const LARGEST_DEFINITION_HERE = 64 * 1024;
/** Some 1,500 expressions: about 20 ms. */
const LARGEST_TEMPLATE_PARSED_HERE = 6 * 1024;
/** Insertions × payload: the most that a template without loops can grow its output by. */
const LARGEST_OUTPUT_HERE = 1024 * 1024;

const evaluateWith =
  (pool: EvaluationPool): Evaluator['evaluate'] =>
  async (hook, context, payloadBytes, mayBeHere = true) => {
    const job = { ...definitionFor(hook), context, payloadBytes };
    if (mayBeHere && hook.linear && isCheapHere(hook.linear, payloadBytes)) {
      // A copy where defaults are filled in: what a caller sent stays as it came, for messages and
      // for another try.
      const own = hook.linear.hasDefaults ? { ...job, context: copyJson(context) } : job;
      return evaluate(own, hook.linear.schema(), hook.linear.quick());
    }
    const answer = await pool.run<Evaluation>({ kind: 'evaluate', job });
    return answer.ok ? answer.result : limited(answer);
  };

export const createEvaluator = (pool: EvaluationPool): Evaluator => ({
  compile: (hook) => ({ ...hook, linear: proveLinear(hook) }),

  evaluate: evaluateWith(pool),

  evaluateDelivery: async (hook, context, delivery) => {
    const { body, insertions, webhook } = delivery;
    // Attributes of a CloudEvent are among the headers, and stand beside them once more.
    const bytes = body.length + 2 * lengthOf(webhook);
    if (body.length <= SMALL_BODY_BYTES && insertions !== undefined && insertions * bytes <= LARGEST_OUTPUT_HERE) {
      const prepared = await prepareDelivery(delivery, context);
      if (prepared.outcome === 'malformed') return prepared;
      const seen = seenDelivery(prepared);
      if (prepared.outcome !== 'prepared') return { evaluation: prepared.evaluation, seen };
      const { payload, webhook } = prepared;
      const evaluation = await evaluateWith(pool)(hook, { ...context, payload, webhook }, bytesOfSeen(seen));
      return { evaluation, seen };
    }
    const job = { ...definitionFor(hook), context, delivery };
    const answer = await pool.run<DeliveryEvaluation>({ kind: 'evaluate-delivery', job });
    return answer.ok ? answer.result : { evaluation: limited(answer) };
  },

  isHere: ({ linear }, payloadBytes) => linear !== undefined && isCheapHere(linear, payloadBytes),

  evaluateUnparsed: async (hook, context, payload) => {
    const job = { ...definitionFor(hook), context, ...payload };
    const answer = await pool.run<UnparsedEvaluation>({ kind: 'evaluate-unparsed', job });
    return answer.ok ? answer.result : { outcome: 'parsed', evaluation: limited(answer), choice: undefined };
  },

  renderNow: (hook, context) => {
    if (!hook.linear || !isCheapHere(hook.linear, 0)) return undefined;
    const job = { key: '', template: hook.definition.task, triggerSchema: {}, context, payloadBytes: 0 };
    return evaluate(job, NOTHING_TO_CHECK, hook.linear.quick());
  },

  renderStored: async ({ template, context }) => {
    const job = { key: '', template, triggerSchema: {}, context, payloadBytes: 0 };
    if (isSmall(template) && countInsertions(template) !== undefined) return evaluate(job, NOTHING_TO_CHECK);
    const answer = await pool.run<Evaluation>({ kind: 'evaluate', job });
    return answer.ok ? answer.result : limited(answer);
  },

  checkTriggerSchema: async (triggerSchema) => {
    if (costOfSchema(triggerSchema)) {
      const compilation = compileTriggerSchema(triggerSchema);
      return compilation.ok ? undefined : compilation.problem;
    }
    const answer = await pool.run<string | undefined>({ kind: 'compile', triggerSchema });
    return answer.ok ? answer.result : ` * ${answer.message}`;
  },

  warningsOf: async ({ task: template, triggerSchema }) => {
    if (lengthOf(template) <= LARGEST_TEMPLATE_PARSED_HERE && costOfSchema(triggerSchema)) {
      return warningsOfEvaluation(template, triggerSchema);
    }
    const answer = await pool.run<readonly string[]>({ kind: 'warn', template, triggerSchema });
    return answer.ok ? answer.result : []; // it is slow, which says nothing of whether it is right
  },
});

const definitionFor = ({ uid, revision, definition }: CompiledHook) => ({
  key: `${uid}:${revision}`,
  template: definition.task,
  triggerSchema: definition.triggerSchema as AnySchemaObject,
});

const NOTHING_TO_CHECK: SchemaCompilation = { ok: true, schema: { check: () => [], ignored: [] } };

const limited = ({ message, mayPass }: Extract<PoolAnswer<never>, { ok: false }>): Evaluation =>
  mayPass === undefined ? { outcome: 'limited', message } : { outcome: 'limited', message, mayPass };

/**
 * Each value of the payload meets at most the whole schema; each insertion is at most the payload
 * and the schema's defaults.
 */
const isCheapHere = ({ insertions, cost }: NonNullable<CompiledHook['linear']>, payloadBytes: number): boolean =>
  (cost.size + cost.program) * payloadBytes <= LARGEST_CHECK_HERE &&
  insertions * (payloadBytes + cost.size) <= LARGEST_OUTPUT_HERE;

const lengthOf = (value: unknown): number => JSON.stringify(value).length;
const isSmall = (value: unknown): boolean => lengthOf(value) <= LARGEST_DEFINITION_HERE;

const proveLinear = ({ definition }: Hook): CompiledHook['linear'] => {
  const { task, triggerSchema } = definition;
  const insertions = isSmall(task) ? countInsertions(task) : undefined;
  const cost = insertions === undefined ? undefined : costOfSchema(triggerSchema);
  if (insertions === undefined || !cost) return undefined;
  let quick: QuickTemplate | null | undefined;
  let schema: SchemaCompilation | undefined; // compiled at the first fire: a listing needs no validators
  return {
    insertions,
    cost,
    quick: () => {
      quick ??= compileQuickTemplate(task) ?? null;
      return quick ?? undefined;
    },
    hasDefaults: JSON.stringify(triggerSchema).includes('"default"'),
    schema: () => {
      schema ??= compileTriggerSchema(triggerSchema as AnySchemaObject);
      return schema;
    },
  };
};
