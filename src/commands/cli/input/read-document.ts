// A JSON value from a file or from standard input, written in JSON or YAML; and YAML from a JSON
// value.
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { Document, LineCounter, parseDocument, visit } from 'yaml';
import { describeError, describeFileError, OperatorError } from '../../../core/errors.ts';
import type { Call } from '../command.ts';

/** Bytes. The server takes 10 MB; comments and indentation are beside them. */
const LARGEST_FILE = 32 * 1024 * 1024;

/**
 * `name` is a path, or `-` for standard input. Throws HW_BAD_FILE, which says in which line and
 * column.
 */
export const readDocument = async (name: string, { cwd, stdin }: Pick<Call, 'cwd' | 'stdin'>): Promise<object> => {
  const path = name === '-' ? 'standard input' : name;
  let source: string;
  try {
    source = name === '-' ? await text(stdin) : await text(createReadStream(resolve(cwd, name), { end: LARGEST_FILE }));
  } catch (error) {
    throw new OperatorError('HW_BAD_FILE', { path, reason: describeFileError(error) }, error);
  }
  if (Buffer.byteLength(source) > LARGEST_FILE) {
    throw new OperatorError('HW_BAD_FILE', { path, reason: 'it has more than 32 MB, which no server takes' });
  }
  return parseDocumentText(source, path);
};

/**
 * JSON is YAML too, so one parser reads both, and finds keys that are there twice in either. Merge
 * keys (`<<: *base`) are not of YAML 1.2, but hook definitions use them.
 */
export const parseDocumentText = (source: string, path: string): object => {
  const bad = (reason: string, place = '') => new OperatorError('HW_BAD_FILE', { path: `${path}${place}`, reason });
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, version: '1.2', merge: true });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw bad(isTooDeep(problem) ? TOO_DEEP : problem.message, `:${line}:${col}`);
  }
  let value: unknown;
  let stranger: string | undefined;
  try {
    value = document.toJS();
    stranger = findStranger(value, '');
  } catch (error) {
    // Aliases without an anchor, or so many that they would fill the memory.
    throw bad(isTooDeep(error) ? TOO_DEEP : describeError(error));
  }
  if (stranger !== undefined) throw bad(`${stranger} is no value that JSON has`);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw bad(`it holds ${value === null || value === undefined ? 'nothing' : 'no object'}`);
};

/** The parser's own errors tell of the stack in their text only. */
const isTooDeep = (error: unknown): boolean => describeError(error).startsWith('Maximum call stack size exceeded');
const TOO_DEEP = 'it nests too deep, or an alias stands within what it is an alias of';

/** Where something stands that JSON would not carry: `.nan`, or numbers without end. */
const findStranger = (value: unknown, path: string): string | undefined => {
  if (typeof value === 'number' && !Number.isFinite(value)) return path;
  if (typeof value === 'bigint' || value === undefined) return path;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = findStranger(inner, path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** What `parseDocumentText` reads as the same value again. Control characters are escaped. */
export const asYaml = (value: unknown): string => {
  const document = new Document(value, { aliasDuplicateObjects: false, version: '1.2' });
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value !== 'string') return;
      // Without quotes << would be a merge key.
      if (node.value === '<<' || isUnfitForBlock(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0, blockQuote: 'literal' }).replace(
    // They stand within double quotes, where YAML escapes them so.
    /[\x7f-\x9f]/g,
    (found) => `\\x${found.charCodeAt(0).toString(16)}`,
  );
};

/**
 * Several lines are written as a block, where space at the very beginning, or on lines of nothing
 * else, would be taken for indentation.
 */
const isUnfitForBlock = (text: string): boolean =>
  text.includes('\n') && (/^\s|[\r\u2028\u2029]/.test(text) || /^[^\S\n]+$/m.test(text));
