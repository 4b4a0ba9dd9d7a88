// What the schema of a request cannot say of a hook's definition.
import type { AnySchemaObject } from 'ajv';
import { whyNoName } from '../../broker/names.ts';
import { type Clock, nextTurn } from '../../core/clock.ts';
import { ApiError } from '../../http/api-error.ts';
import { checkSchedule } from '../../timers/schedule/schedule.ts';
import type { CreateHookRequest, HookDefinition, HookName } from '../definition.ts';
import type { Evaluator } from '../evaluation/evaluator.ts';

export type DefinitionChecks = {
  readonly evaluator: Evaluator;
  /** Exchanges that hooks may not bind to: regular expressions for how their names begin. */
  readonly deniedExchanges: readonly string[];
  readonly clock: Clock;
};

/** All patterns are looked at with every tick: a hundred thousand take 8 s (measured). */
export const MOST_PATTERNS = 1_000;
/** RabbitMQ makes some hundreds a second. */
export const MOST_BINDINGS = 250;

/**
 * Bindings that are left out are those that are `known`. Throws InputError that says what is wrong,
 * where, and what to do.
 */
export type CheckedDefinition = (known: Pick<HookDefinition, 'bindings'> | undefined) => HookDefinition;

export const checkDefinition = async (
  { hookGroupId, hookId }: HookName,
  request: CreateHookRequest,
  { evaluator, deniedExchanges, clock }: DefinitionChecks,
): Promise<CheckedDefinition> => {
  if (request.hookGroupId !== undefined && request.hookGroupId !== hookGroupId) {
    throw new ApiError('InputError', 'Hook Group Ids do not match');
  }
  if (request.hookId !== undefined && request.hookId !== hookId) {
    throw new ApiError('InputError', 'Hook Ids do not match');
  }
  const { metadata, task, bindings, schedule, triggerSchema } = request;
  requireFew('cron patterns', schedule.length, MOST_PATTERNS);
  requireFew('bindings', bindings?.length ?? 0, MOST_BINDINGS);
  const scheduleProblem = await checkInTurns(schedule, clock);
  if (scheduleProblem !== undefined) throw new ApiError('InputError', scheduleProblem);
  checkBindings(bindings ?? [], deniedExchanges);
  const schemaProblem = await evaluator.checkTriggerSchema(triggerSchema as AnySchemaObject);
  if (schemaProblem !== undefined) {
    throw new ApiError('InputError', `triggerSchema is not a valid JSON schema:\n${schemaProblem}`);
  }
  return (known) => ({
    hookGroupId,
    hookId,
    metadata,
    task,
    bindings: bindings ?? known?.bindings ?? [],
    schedule,
    triggerSchema,
  });
};

/** New ones take up to 60 µs each; those of earlier turns are known. */
const PATTERNS_OF_A_TURN = 200;

const checkInTurns = async (schedule: readonly string[], clock: Clock): Promise<string | undefined> => {
  for (let end = PATTERNS_OF_A_TURN; ; end += PATTERNS_OF_A_TURN) {
    const problem = checkSchedule(schedule.slice(0, end), clock.now());
    if (problem !== undefined || end >= schedule.length) return problem;
    await nextTurn();
  }
};

const requireFew = (what: string, count: number, most: number): void => {
  if (count <= most) return;
  throw new ApiError(
    'InputError',
    `A hook can have ${most} ${what}, and this one has ${count}. Make it several hooks.`,
  );
};

const checkBindings = (bindings: HookDefinition['bindings'], deniedExchanges: readonly string[]): void => {
  for (const [index, binding] of bindings.entries()) {
    for (const [field, name] of Object.entries(binding)) {
      const whyNot = whyNoName(name);
      if (whyNot !== undefined) throw new ApiError('InputError', `bindings[${index}].${field} ${whyNot}`);
    }
  }
  const denied = bindings.filter(({ exchange }) =>
    deniedExchanges.some((beginning) => new RegExp(`^(?:${beginning})`).test(exchange)),
  );
  if (denied.length === 0) return;
  throw new ApiError(
    'InputError',
    `One or more of the exchanges below have been denied access to hooks\n${JSON.stringify(denied)}`,
  );
};
