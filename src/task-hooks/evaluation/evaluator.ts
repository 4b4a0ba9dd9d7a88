// Where an evaluation runs: here, when the payload is small and the check with the schema is known
// to cost little, as far as the budget of the template goes; else in a process of its own.
import type { AnySchemaObject } from 'ajv';
import { copyJson } from '../../core/json.ts';
import type { Metrics } from '../../core/metrics.ts';
import { SMALL_BODY_BYTES } from '../../http/bodies/body.ts';
import type { Hook, HookDefinition } from '../definition.ts';
import { type DeliveredBody, prepareDelivery } from '../webhooks/prepare-delivery.ts';
import {
  bytesOfSeen,
  type DeliveryEvaluation,
  type Evaluation,
  type EvaluationJob,
  evaluate,
  type RanIn,
  seenDelivery,
  type UnparsedEvaluation,
  type UnparsedJob,
} from './evaluate.ts';
import { warningsOfEvaluation } from './evaluation-warnings.ts';
import { HandOver } from './json-e/errors.ts';
import { type Budget, newBudget, renderWithin } from './json-e/render.ts';
import type { EvaluationPool, PoolAnswer } from './pool.ts';
import { costOfSchema, type SchemaCost } from './schemas/schema-cost.ts';
import { compileTriggerSchema, type SchemaCompilation } from './schemas/trigger-schema.ts';
import { type FiringContext, tryingWith, type Unrendered } from './template.ts';

/** A hook with what is made of its definition once. */
export type CompiledHook = Hook & {
  /** Present when payloads may be checked on the main thread. */
  readonly linear:
    | {
        readonly schema: () => SchemaCompilation;
        readonly cost: SchemaCost;
        readonly hasDefaults: boolean;
      }
    | undefined;
  readonly template: {
    /** Payloads of at least so many bytes were beyond the budget. */
    heavyFrom: number;
    /** Events that were not tried here for that. */
    passedOn: number;
  };
};

export type Evaluator = {
  readonly compile: (hook: Hook) => CompiledHook;
  /**
   * @param payloadBytes the size of the payload as JSON; 0 when there is none.
   * @param mayBeHere false: in another process, however cheap it is.
   * @returns no promise where it ran here: nearly all do, and none waits for anything.
   */
  readonly evaluate: (
    hook: CompiledHook,
    context: FiringContext,
    payloadBytes: number,
    mayBeHere?: boolean,
  ) => Evaluation | Promise<Evaluation>;
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
   * For events without a payload: the task at once; undefined: too heavy, store it unrendered.
   * @param turn what is left for all that are rendered in one turn of the main thread.
   */
  readonly renderNow: (hook: CompiledHook, context: FiringContext, turn: Budget) => Evaluation | undefined;
  /** Of a fire that was stored unrendered. Never rejects. */
  readonly renderStored: (unrendered: Unrendered) => Promise<Evaluation>;
  /**
   * What is wrong with a trigger schema, for the author of the hook; undefined when it can be used.
   */
  readonly checkTriggerSchema: (schema: AnySchemaObject) => Promise<string | undefined>;
  /** What a definition that can be saved may not mean; one text each. */
  readonly warningsOf: (definition: Pick<HookDefinition, 'task' | 'triggerSchema'>) => Promise<readonly string[]>;
};

/** Some 1,500 expressions: about 20 ms. */
const LARGEST_TEMPLATE_PARSED_HERE = 6 * 1024;

/**
 * Events are passed on for what one before them took. That may have been its payload and not the
 * template, so that one in so many is tried here again.
 */
const TRIED_AGAIN = 64;

const isPassedOn = (template: CompiledHook['template'], payloadBytes: number): boolean => {
  if (payloadBytes < template.heavyFrom) return false;
  template.passedOn = (template.passedOn + 1) % TRIED_AGAIN;
  return template.passedOn !== 0;
};
const noteThatItFits = (template: CompiledHook['template'], payloadBytes: number): void => {
  if (payloadBytes >= template.heavyFrom) template.heavyFrom = Number.POSITIVE_INFINITY;
};

/** Where evaluations ran, and why. */
type Count = (place: RanIn, why: 'fits' | Why) => void;
/** `asked`: whoever asks has had enough of the main thread. */
type Why = 'payload' | 'schema' | 'budget' | 'odd' | 'asked';

/** HandOver: it is to run elsewhere. */
const hereOrHandedOver = <T>(evaluateHere: () => T): T | HandOver => {
  try {
    return evaluateHere();
  } catch (error) {
    if (error instanceof HandOver) return error;
    throw error;
  }
};

const createCount = (metrics: Metrics | undefined): Count => {
  const about = 'Evaluations of templates and trigger schemas, by where they ran and why';
  const counter = metrics?.counter('hookwright_evaluations_total', about, ['place', 'why']);
  return (place, why) => counter?.inc({ place, why });
};

/** @param metrics absent: nobody reads what is counted. */
export const createEvaluator = (pool: EvaluationPool, metrics?: Metrics): Evaluator => {
  const count = createCount(metrics);

  const runElsewhere = async (job: EvaluationJob, why: Why): Promise<Evaluation> => {
    count('process', why);
    const answer = await pool.run<Evaluation>({ kind: 'evaluate', job });
    return { ...(answer.ok ? answer.result : limited(answer)), ranIn: 'process' };
  };

  const evaluateWithin = (
    hook: CompiledHook,
    context: FiringContext,
    payloadBytes: number,
    budget: Budget,
  ): Evaluation | Promise<Evaluation> => {
    const { linear, template } = hook;
    const elsewhere = (why: Why) => runElsewhere({ ...definitionFor(hook), context, payloadBytes }, why);
    if (payloadBytes > SMALL_BODY_BYTES) return elsewhere('payload');
    if (!linear || !isCheapHere(linear, payloadBytes)) return elsewhere('schema');
    if (isPassedOn(template, payloadBytes)) return elsewhere('budget');
    // A copy where defaults are filled in: what a caller sent stays as it came, for messages and
    // for another try.
    const isFilledIn = linear.hasDefaults && 'payload' in context;
    const own = isFilledIn ? { ...context, payload: copyJson(context.payload) } : context;
    const job = { template: hook.definition.task, context: own, payloadBytes };
    const isWhole = budget.steps === newBudget().steps;
    const evaluation = hereOrHandedOver(() => evaluate(job, linear.schema(), renderWithin(budget)));
    if (!(evaluation instanceof HandOver)) {
      noteThatItFits(template, payloadBytes);
      count('server', 'fits');
      return { ...evaluation, ranIn: 'server' };
    }
    // What was left by the templates of a webhook says nothing of this one.
    if (isWhole) template.heavyFrom = evaluation.why === 'odd' ? 0 : payloadBytes;
    return elsewhere(evaluation.why);
  };

  /** Why: it is not for the main thread. */
  const evaluateDeliveryHere = async (
    hook: CompiledHook,
    context: FiringContext,
    delivery: DeliveredBody,
  ): Promise<DeliveryEvaluation | Why> => {
    if (delivery.body.length > SMALL_BODY_BYTES) return 'payload';
    const budget = newBudget();
    const prepared = await prepareDelivery(delivery, context, tryingWith(renderWithin(budget)));
    if (prepared.outcome === 'malformed') return prepared;
    const seen = seenDelivery(prepared);
    if (prepared.outcome !== 'prepared') {
      count('server', 'fits');
      return { evaluation: { ...prepared.evaluation, ranIn: 'server' }, seen };
    }
    const { payload, webhook } = prepared;
    const evaluation = await evaluateWithin(hook, { ...context, payload, webhook }, bytesOfSeen(seen), budget);
    return { evaluation, seen };
  };

  return {
    compile: (hook) => ({
      ...hook,
      linear: proveLinear(hook),
      template: { heavyFrom: Number.POSITIVE_INFINITY, passedOn: 0 },
    }),

    evaluate: (hook, context, payloadBytes, mayBeHere = true) =>
      mayBeHere
        ? evaluateWithin(hook, context, payloadBytes, newBudget())
        : runElsewhere({ ...definitionFor(hook), context, payloadBytes }, 'asked'),

    evaluateDelivery: async (hook, context, delivery) => {
      const here = await evaluateDeliveryHere(hook, context, delivery).catch((error: unknown) => {
        if (error instanceof HandOver) return error.why;
        throw error;
      });
      if (typeof here !== 'string') return here;
      count('process', here);
      const job = { ...definitionFor(hook), context, delivery };
      const answer = await pool.run<DeliveryEvaluation>({ kind: 'evaluate-delivery', job });
      return answer.ok ? answer.result : { evaluation: limited(answer) };
    },

    evaluateUnparsed: async (hook, context, payload) => {
      count('process', 'payload');
      const job = { ...definitionFor(hook), context, ...payload };
      const answer = await pool.run<UnparsedEvaluation>({ kind: 'evaluate-unparsed', job });
      return answer.ok ? answer.result : { outcome: 'parsed', evaluation: limited(answer), choice: undefined };
    },

    renderNow: ({ definition, template }, context, turn) => {
      if (isPassedOn(template, 0)) return undefined;
      const budget = newBudget();
      const own = { ...budget, steps: Math.min(budget.steps, turn.steps) };
      const left = turn.steps - own.steps;
      const job = jobWithout(definition.task, context);
      const evaluation = hereOrHandedOver(() => evaluate(job, NOTHING_TO_CHECK, renderWithin(own)));
      turn.steps = left + own.steps;
      if (!(evaluation instanceof HandOver)) {
        noteThatItFits(template, 0);
        count('server', 'fits');
        return evaluation;
      }
      if (left > 0) template.heavyFrom = 0;
      return undefined;
    },

    // Many may come at once, and each was beyond a budget already.
    renderStored: ({ template, context }) => runElsewhere(jobWithout(template, context), 'budget'),

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
  };
};

const definitionFor = ({ uid, revision, definition }: CompiledHook) => ({
  key: `${uid}:${revision}`,
  template: definition.task,
  triggerSchema: definition.triggerSchema as AnySchemaObject,
});

/** Without a payload. */
const jobWithout = (template: unknown, context: FiringContext): EvaluationJob => ({
  ...{ key: '', template, triggerSchema: {}, context, payloadBytes: 0 },
});

const NOTHING_TO_CHECK: SchemaCompilation = { ok: true, schema: { check: () => [], ignored: [] } };

const limited = ({ message, mayPass }: Extract<PoolAnswer<never>, { ok: false }>): Evaluation =>
  mayPass === undefined ? { outcome: 'limited', message } : { outcome: 'limited', message, mayPass };

const isCheapHere = ({ cost }: NonNullable<CompiledHook['linear']>, payloadBytes: number): boolean =>
  payloadBytes <= cost.largestPayload();

const lengthOf = (value: unknown): number => JSON.stringify(value).length;

const proveLinear = ({ definition }: Hook): CompiledHook['linear'] => {
  const { triggerSchema } = definition;
  const cost = costOfSchema(triggerSchema);
  if (!cost) return undefined;
  let schema: SchemaCompilation | undefined; // compiled at the first fire: a listing needs no validators
  return {
    cost,
    hasDefaults: JSON.stringify(triggerSchema).includes('"default"'),
    schema: () => {
      schema ??= compileTriggerSchema(triggerSchema as AnySchemaObject);
      return schema;
    },
  };
};
