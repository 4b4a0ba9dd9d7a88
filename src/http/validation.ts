// The service's own schemas, compiled once. (Schemas that users write are another matter:
// task-hooks/trigger-schema.ts.)
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { ApiError } from './api-error.ts';
import type { NamedSchema } from './api-method.ts';

const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: true, validateFormats: true });
(addFormats as unknown as (instance: Ajv) => void)(ajv);

export type PayloadCheck = (payload: unknown) => void;

/**
 * A check that throws InputValidationError listing all that is wrong, and that fills in the
 * schema's defaults.
 */
export const compilePayloadCheck = (schema: NamedSchema, url: () => string): PayloadCheck => {
  let validate: ValidateFunction | undefined;
  return (payload) => {
    validate ??= ajv.compile(schema.schema); // at first use: compiling all of them would show in every start
    if (validate(payload)) return;
    const errors = (validate.errors ?? []).map((error) => `  * ${describeSchemaError(error)}`);
    throw new ApiError(
      'InputValidationError',
      ['', 'Schema Validation Failed!', `Rejecting Schema: ${url()}`, 'Errors:', ...errors].join('\n'),
    );
  };
};

/**
 * `data/metadata must have required property 'owner'`, and what else a reader needs to find the
 * spot.
 */
export const describeSchemaError = (error: ErrorObject): string => {
  const where = `data${error.instancePath}`;
  const what = `${where} ${error.message ?? 'is not valid'}`;
  if (error.keyword === 'additionalProperties') return `${what}: ${JSON.stringify(error.params.additionalProperty)}`;
  if (error.keyword === 'enum') return `${what}: ${JSON.stringify(error.params.allowedValues)}`;
  return what;
};
