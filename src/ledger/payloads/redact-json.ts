// Takes out of a JSON value what is not to be kept.

export const REDACTED = '[redacted]';

/**
 * A copy in which the places that the JSON pointers (RFC 6901) name hold REDACTED. Places that are
 * not there do not matter; the pointer to the whole takes out every value.
 */
export const redactJson = (
  value: Readonly<Record<string, unknown>>,
  pointers: readonly string[],
): Readonly<Record<string, unknown>> => {
  const copy = structuredClone(value) as Record<string, unknown>;
  for (const pointer of pointers) {
    const path = pointer.split('/').slice(1).map(tokenOf);
    if (path.length === 0) for (const key of Object.keys(copy)) copy[key] = REDACTED;
    else redactAt(copy, path);
  }
  return copy;
};

const tokenOf = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~');

const redactAt = (root: object, path: readonly string[]): void => {
  let at: unknown = root;
  for (const key of path.slice(0, -1)) at = isHolding(at, key) ? at[key] : undefined;
  const last = path.at(-1) as string;
  if (isHolding(at, last)) Object.defineProperty(at, last, { value: REDACTED });
};

const isHolding = (value: unknown, key: string): value is Record<string, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  Object.hasOwn(value, key) &&
  !(Array.isArray(value) && key === 'length');
