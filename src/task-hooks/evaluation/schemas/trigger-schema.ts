// A hook's trigger schema: compiled once a definition, and refused when it cannot be.
import { Ajv, type AnySchemaObject, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describeError } from '../../../core/errors.ts';
import { cut } from '../../../http/cut.ts';
import { addFormats, describeSchemaError } from '../../../http/validation.ts';
import { forgetNames, processCode, replaceKeywords } from './own-keywords.ts';
import { safeRegExp } from './safe-pattern.ts';
import { costOfSchema } from './schema-cost.ts';
import { findEndlessReference } from './self-reference.ts';

export type CompiledSchema = {
  /**
   * Fills in the schema's defaults, in place. Answers what is wrong; empty when the payload fits.
   * `payloadBytes`: its size as JSON. Throws RangeError when a recursive schema meets a payload
   * that nests too deep.
   */
  readonly check: (payload: unknown, payloadBytes: number) => readonly SchemaProblem[];
  /** What Ajv ignores, in its words. */
  readonly ignored: readonly string[];
};

export type SchemaProblem = {
  /** One line. */
  readonly text: string;
  /** A JSON pointer to what does not fit; absent: it is about the rest of the problems. */
  readonly pointer?: string;
};

export type SchemaCompilation =
  | { readonly ok: true; readonly schema: CompiledSchema }
  | { readonly ok: false; readonly problem: string };

/** So that a payload with a million errors does not make a message of a million lines. */
const MOST_ERRORS_TOLD = 20;
/** Characters: a payload may have made up its names. */
const LONGEST_POINTER = 300;
/**
 * Schema × payload, in characters. Up to that all errors are found, which are then some 700,000 at
 * most, or 140 MB; beyond it the first one.
 */
const LARGEST_CHECK_FOR_ALL_ERRORS = 8 * 1024 * 1024;

const DRAFT_7 = 'http://json-schema.org/draft-07/schema';
const DRAFTS: Readonly<Record<string, new (options: Options) => Ajv>> = {
  [DRAFT_7]: Ajv,
  'http://json-schema.org/schema': Ajv, // the latest draft that Ajv itself takes that for
  'https://json-schema.org/draft/2019-09/schema': Ajv2019,
  'https://json-schema.org/draft/2020-12/schema': Ajv2020,
};

/** Never throws; how long it takes is not bounded here (evaluator.ts does that). */
export const compileTriggerSchema = (schema: AnySchemaObject): SchemaCompilation => {
  const draft = typeof schema.$schema === 'string' ? schema.$schema.replace(/#$/, '') : DRAFT_7;
  if (!Object.hasOwn(DRAFTS, draft)) {
    return { ok: false, problem: `$schema "${schema.$schema}" is not supported; use draft-07, 2019-09 or 2020-12` };
  }
  if (schema.$async !== undefined)
    return { ok: false, problem: ' * /$async is not supported: validation is synchronous' };
  try {
    // Not enough alone: it says nothing of references that lead nowhere or of keywords that nobody
    // knows.
    const meta = metaValidator(draft);
    if (!meta.validateSchema(schema)) {
      const problems = (meta.errors ?? []).map((error) => ` * ${error.instancePath || '/'} ${error.message}`);
      return { ok: false, problem: problems.slice(0, MOST_ERRORS_TOLD).join('\n') };
    }
    const endless = findEndlessReference(schema);
    if (endless !== undefined) {
      const what = 'leads back to where it stands with the same value, so no check would end';
      return { ok: false, problem: ` * ${endless} ${what}: refer to it from properties or items` };
    }
    const ignored: string[] = [];
    const compile = (allErrors: boolean) => createAjv(draft, allErrors, ignored).compile(schema);
    const all = compile(true);
    return { ok: true, schema: { check: createCheck(schema, all, () => compile(false)), ignored: [...ignored] } };
  } catch (error) {
    const reason = error instanceof RangeError ? 'it nests too deep, or is too large' : describeError(error);
    return { ok: false, problem: ` * ${reason}` };
  }
};

const prepared = (ajv: Ajv): Ajv => {
  addFormats(ajv);
  return replaceKeywords(ajv);
};

const metaValidators = new Map<string, Ajv>();

/** Kept, because compiling the schema of schemas takes some 30 ms. */
const metaValidator = (draft: string): Ajv => {
  const known = metaValidators.get(draft);
  if (known) return known;
  const Validator = DRAFTS[draft] as new (options: Options) => Ajv;
  const made = prepared(
    new Validator({ allErrors: true, strict: false, logger: false, code: { process: processCode } }),
  );
  metaValidators.set(draft, made);
  return made;
};

const createAjv = (draft: string, allErrors: boolean, ignored: string[]): Ajv => {
  const warn = (message: string) => {
    // A misspelt keyword would let through what its author meant to keep out.
    if (message.includes('unknown keyword')) throw new Error(message);
    ignored.push(message.replace(/^strict mode: /, ''));
  };
  const Validator = DRAFTS[draft] as new (options: Options) => Ajv;
  return prepared(
    new Validator({
      allErrors,
      useDefaults: true,
      ownProperties: true, // every payload inherits a `constructor`, and none has it for that
      validateSchema: false, // it has been
      strictSchema: 'log',
      strictTypes: false,
      strictTuples: false,
      strictRequired: false,
      allowMatchingProperties: true,
      logger: { log: () => {}, warn, error: () => {} },
      // Optimizing takes as long as compiling, and saves less than a microsecond a check.
      code: { optimize: false, process: processCode, regExp: Object.assign(safeRegExp, { code: 'safeRegExp' }) },
    }),
  );
};

const createCheck = (
  schema: AnySchemaObject,
  all: ValidateFunction,
  compileFirst: () => ValidateFunction,
): CompiledSchema['check'] => {
  const size = JSON.stringify(schema).length;
  let first: ValidateFunction | undefined;
  let cheap: number | undefined;
  return (payload, payloadBytes) => {
    let isSmall = size * payloadBytes <= LARGEST_CHECK_FOR_ALL_ERRORS;
    if (!isSmall) {
      cheap ??= costOfSchema(schema)?.largestPayload() ?? 0;
      isSmall = payloadBytes <= cheap;
    }
    if (!isSmall) first ??= compileFirst();
    const validate = isSmall || !first ? all : first;
    let errors: readonly ErrorObject[];
    try {
      if (validate(payload)) return [];
      errors = validate.errors ?? [];
    } finally {
      validate.errors = null; // a million of them would be kept until the next check
      forgetNames();
    }
    const told: SchemaProblem[] = errors.slice(0, MOST_ERRORS_TOLD).map((error) => ({
      text: describeSchemaError(error),
      pointer: cut(error.instancePath, LONGEST_POINTER),
    }));
    const more = `and ${errors.length - told.length} more`;
    if (!isSmall) told.push({ text: 'and perhaps more: a payload of this size is checked up to its first error' });
    else if (errors.length > told.length) told.push({ text: more });
    return told;
  };
};
