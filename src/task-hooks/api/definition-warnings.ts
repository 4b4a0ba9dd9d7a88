// What keeps a sound definition from doing what it seems to be meant for. A hook with warnings is
// saved; its owner reads them in getHookStatus, from the command line after saving, and in the log.
import { type HookDefinition, hookRole } from '../definition.ts';
import type { Evaluator } from '../evaluation/evaluator.ts';

/** One warning a text: what is wrong, where, and the cure. Empty when there is none. */
export type DefinitionWarnings = (definition: HookDefinition) => Promise<string[]>;

/** All that a role stands for, `assume:<role>` itself included. */
export type ScopesOfRole = (role: string) => Promise<readonly string[]>;

export type DefinitionWarningsSettings = {
  readonly evaluator: Pick<Evaluator, 'warningsOf'>;
  /** undefined: roles live elsewhere, and are not looked at. */
  readonly scopesOfRole: ScopesOfRole | undefined;
};

export const createDefinitionWarnings =
  ({ evaluator, scopesOfRole }: DefinitionWarningsSettings): DefinitionWarnings =>
  async (definition) => [
    ...warningsOfSchema(definition),
    ...(await evaluator.warningsOf(definition)),
    ...(await warningsOfRole(definition, scopesOfRole)),
  ];

const warningsOfRole = async (definition: HookDefinition, scopesOfRole: ScopesOfRole | undefined) => {
  const role = hookRole(definition);
  if (!scopesOfRole || (await scopesOfRole(role)).some((scope) => scope !== `assume:${role}`)) return [];
  return [
    `The role ${role} has no scopes, so the queue will refuse the tasks of this hook. hookwright roles grant gives it some.`,
  ];
};

const warningsOfSchema = ({ bindings, triggerSchema }: HookDefinition): string[] => {
  if (!admitsObjects(triggerSchema)) {
    return [
      'The trigger schema admits no objects, and the payloads of calls and webhooks are objects: none will fit. Give it "type": "object".',
    ];
  }
  if (bindings.length === 0 || !admitsNothing(triggerSchema)) return [];
  return [
    'The trigger schema admits no properties, so no message that has any will fire this hook. Give a triggerSchema that describes the ' +
      'messages, for example {"type": "object", "additionalProperties": true}.',
  ];
};

const admitsObjects = ({ type }: { type?: unknown }): boolean =>
  type === undefined || type === 'object' || (Array.isArray(type) && type.includes('object'));

const admitsNothing = (schema: object): boolean => {
  const { additionalProperties, properties, patternProperties, anyOf, oneOf, allOf } = schema as Record<
    string,
    unknown
  >;
  const mentionsNone = [properties, patternProperties, anyOf, oneOf, allOf].every((keyword) => keyword === undefined);
  return additionalProperties === false && mentionsNone;
};
