// Takes credentials that stand in a URL out of what errors say.
import { encodeForUrl } from './service.ts';

const INSTEAD = '(secret)';

/**
 * A copy of a JSON value in whose texts `(secret)` stands for each secret, also where a URL has it.
 */
export const redact = (value: unknown, secrets: readonly string[]): unknown => {
  if (secrets.length === 0) return value;
  if (typeof value === 'string') return redactText(value, secrets);
  if (Array.isArray(value)) return value.map((item) => redact(item, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redact(inner, secrets)]));
};

export const redactText = (text: string, secrets: readonly string[]): string =>
  secrets
    .flatMap((secret) => [secret, encodeURIComponent(secret), encodeForUrl(secret)])
    .reduce((rest, secret) => rest.replaceAll(secret, INSTEAD), text);
