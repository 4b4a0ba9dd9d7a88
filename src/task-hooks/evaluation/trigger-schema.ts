// A hook's trigger schema: compiled once a definition, refused when it cannot be, and judged for
// its cost before it runs.
import { Ajv, type AnySchemaObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { RE2JS } from 're2js';
import { describeError } from '../../core/errors.ts';
import { describeSchemaError } from '../../http/validation.ts';

export type CompiledSchema = {
  /**
   * Fills in the schema's defaults, in place. Answers what is wrong, one line an error; empty when
   * the payload fits.
   */
  readonly check: (payload: unknown) => readonly string[];
};

export type SchemaCompilation =
  | { readonly ok: true; readonly schema: CompiledSchema }
  | { readonly ok: false; readonly problem: string };

/** So that a payload with a million errors does not make a message of a million lines. */
const MOST_ERRORS_TOLD = 20;

const DRAFTS: Readonly<Record<string, new (options: Options) => Ajv>> = {
  'http://json-schema.org/draft-07/schema': Ajv,
  'https://json-schema.org/draft/2019-09/schema': Ajv2019,
  'https://json-schema.org/draft/2020-12/schema': Ajv2020,
};

/** Never throws; how long it takes is not bounded here (evaluate.ts does that). */
export const compileTriggerSchema = (schema: AnySchemaObject): SchemaCompilation => {
  const draft = typeof schema.$schema === 'string' ? schema.$schema.replace(/#$/, '') : Object.keys(DRAFTS)[0];
  const Validator = DRAFTS[draft ?? ''];
  if (!Validator) {
    return { ok: false, problem: `$schema "${schema.$schema}" is not supported; use draft-07, 2019-09 or 2020-12` };
  }
  if (schema.$async !== undefined)
    return { ok: false, problem: ' * /$async is not supported: validation is synchronous' };
  const ajv = new Validator({
    allErrors: true,
    useDefaults: true,
    ownProperties: true, // every payload inherits a `constructor`, and none has it for that
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    logger: false,
    code: { regExp: Object.assign(safeRegExp, { code: 'safeRegExp' }) },
  });
  (addFormats as unknown as (instance: Ajv) => void)(ajv);
  try {
    // Not validateSchema: it says nothing of references that lead nowhere or of keywords that
    // nobody knows.
    if (!ajv.validateSchema(schema)) {
      const problems = (ajv.errors ?? []).map((error) => ` * ${error.instancePath || '/'} ${error.message}`);
      return { ok: false, problem: problems.slice(0, MOST_ERRORS_TOLD).join('\n') };
    }
    return { ok: true, schema: { check: createCheck(ajv.compile(schema)) } };
  } catch (error) {
    return { ok: false, problem: ` * ${describeError(error)}` };
  }
};

const createCheck =
  (validate: ValidateFunction): CompiledSchema['check'] =>
  (payload) => {
    if (validate(payload)) return [];
    const errors = validate.errors ?? [];
    const told = errors.slice(0, MOST_ERRORS_TOLD).map(describeSchemaError);
    return errors.length > told.length ? [...told, `and ${errors.length - told.length} more`] : told;
  };

/**
 * RE2 takes time linear in its input, whatever the pattern. What it cannot express runs natively,
 * and never on the main thread.
 */
const safeRegExp = (pattern: string, flags: string) => {
  const native = new RegExp(pattern, flags); // throws for what is no pattern in JavaScript, though RE2 may know it
  const re2 = compileRe2(pattern);
  // Ajv keeps one expression for all patterns of a schema that have the same text, so each must
  // have its own.
  return re2 ? { test: (text: string) => re2.matcher(text).find(), toString: () => String(native) } : native;
};

const compileRe2 = (pattern: string): RE2JS | undefined => {
  const translated = translatePattern(pattern);
  if (translated === undefined) return undefined;
  try {
    return RE2JS.compile(RE2JS.translateRegExp(translated));
  } catch {
    return undefined; // it has a lookaround or a backreference, which RE2 leaves out by design
  }
};

/**
 * What JavaScript means by `\\s` and by the line ends that a dot leaves out; RE2 means less by
 * both.
 */
const SPACES = '\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}';
const NO_LINE_END = '[^\\n\\r\\x{2028}\\x{2029}]';

/**
 * The pattern with JavaScript's meanings spelled out for RE2; undefined when it has one that cannot
 * be.
 */
const translatePattern = (pattern: string): string | undefined => {
  let translated = '';
  let isInClass = false;
  for (const [token] of pattern.matchAll(/\\.|./gsu)) {
    if (token === '\\s') translated += isInClass ? SPACES : `[${SPACES}]`;
    else if (token === '\\S') {
      if (isInClass) return undefined;
      translated += `[^${SPACES}]`;
    } else if (token === '.' && !isInClass) translated += NO_LINE_END;
    else {
      if (token === '[') isInClass = true;
      else if (token === ']') isInClass = false;
      translated += token;
    }
  }
  return translated;
};

/** Keywords whose cost is at most one look at each value they apply to. */
const LINEAR_KEYWORDS = new Set([
  ...['$schema', '$comment', 'title', 'description', 'default', 'examples', 'type', 'enum', 'const'],
  ...['required', 'additionalProperties', 'minProperties', 'maxProperties', 'items', 'minItems', 'maxItems'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
  ...['properties', 'pattern', 'format'],
]);

/**
 * ajv-formats checks these with patterns that cannot backtrack far; the others (`email`, `uri`, …)
 * can.
 */
const LINEAR_FORMATS = new Set(['date-time', 'date', 'time', 'uuid', 'ipv4', 'int32', 'int64', 'float', 'double']);

const DEEPEST_LINEAR_SCHEMA = 50;

/**
 * Whether validating with this schema is proved to take time linear in the payload. Anything not
 * known here is not.
 */
export const isLinearSchema = (schema: unknown, depth = 0, isRepeated = false): boolean => {
  if (typeof schema === 'boolean') return true;
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema) || depth > DEEPEST_LINEAR_SCHEMA)
    return false;
  return Object.entries(schema).every(([keyword, value]) => {
    if (!LINEAR_KEYWORDS.has(keyword)) return false;
    // A default of each of many items would make the payload grow.
    if (keyword === 'default') return !isRepeated;
    if (keyword === 'items' || keyword === 'additionalProperties') return isLinearSchema(value, depth + 1, true);
    if (keyword === 'properties') {
      return Object.values(value as object).every((one) => isLinearSchema(one, depth + 1, isRepeated));
    }
    if (keyword === 'format') return LINEAR_FORMATS.has(value as string);
    return keyword !== 'pattern' || compileRe2(value as string) !== undefined;
  });
};
