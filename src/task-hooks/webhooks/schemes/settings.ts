// What the owner of a webhook says about how its sender proves who it is.
import Type, { type Static } from 'typebox';
import { problemsOfSecret } from './secrets.ts';

export const SCHEMES = [
  'standard',
  'github',
  'gitea',
  'gitlab',
  'slack',
  'stripe',
  'hmac',
  'bearer',
  'basic',
  'none',
] as const;

export type SchemeName = (typeof SCHEMES)[number];

export const DEFAULT_TOLERANCE_SECONDS = 300;
export const MOST_SECRETS = 2;

const headerName = (description: string) =>
  Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", maxLength: 100, description });

const hmacSettings = Type.Object(
  {
    header: headerName('The header with the signature.'),
    algorithm: Type.Optional(
      Type.Enum(['sha256', 'sha512', 'sha1'], { description: 'sha256 unless another is asked for.' }),
    ),
    prefix: Type.Optional(
      Type.String({ maxLength: 50, pattern: '^[!-~]*$', description: 'What stands before it, like `sha256=`.' }),
    ),
    encoding: Type.Optional(Type.Enum(['hex', 'base64'], { description: 'hex unless another is asked for.' })),
    signed: Type.Optional(
      Type.String({
        maxLength: 200,
        description:
          'What is signed: `body` (the default), `timestamp.body`, or a template with `{body}` once and ' +
          '`{timestamp}` at most once, like `v0:{timestamp}:{body}`.',
      }),
    ),
    timestampHeader: Type.Optional(
      headerName('The header with the time stamp that is signed, in seconds or milliseconds since 1970.'),
    ),
  },
  { additionalProperties: false, description: 'For the scheme `hmac`: how the sender signs.' },
);

/** To be spread into the shape of a webhook. */
export const schemeProperties = {
  scheme: Type.Enum([...SCHEMES], { description: 'How the sender proves who it is.' }),
  toleranceSeconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 3_600,
      description: `How far a signed time stamp may be away from now; ${DEFAULT_TOLERANCE_SECONDS} unless said.`,
    }),
  ),
  hmac: Type.Optional(hmacSettings),
};

const schemeSettings = Type.Object(schemeProperties);

export type HmacSettings = Static<typeof hmacSettings>;
export type SchemeSettings = Static<typeof schemeSettings>;

const SHORTHANDS: Readonly<Record<string, string>> = { body: '{body}', 'timestamp.body': '{timestamp}.{body}' };

export const signedTemplateOf = ({ signed = 'body' }: HmacSettings): string => SHORTHANDS[signed] ?? signed;

/** What is wrong with settings whose shape is right, and with the secrets; empty: nothing. */
export const problemsOfScheme = (settings: SchemeSettings, secrets: readonly string[]): string[] => {
  const { scheme, hmac } = settings;
  const problems: string[] = [];
  if (scheme === 'hmac' && hmac === undefined) {
    problems.push('The scheme hmac needs "hmac": { "header": … }, which says how the sender signs.');
  }
  if (scheme !== 'hmac' && hmac !== undefined) problems.push(`"hmac" belongs to the scheme hmac, not to ${scheme}.`);
  if (hmac !== undefined) problems.push(...problemsOfHmac(hmac));
  if (scheme === 'none' && secrets.length > 0) problems.push('The scheme none checks nothing: leave "secrets" out.');
  if (scheme !== 'none' && secrets.length === 0) problems.push(`The scheme ${scheme} needs a secret.`);
  if (secrets.length > MOST_SECRETS) problems.push(`A webhook has at most ${MOST_SECRETS} secrets: the new, the old.`);
  if (new Set(secrets).size < secrets.length) problems.push('The two secrets are the same.');
  if (scheme !== 'none') problems.push(...secrets.flatMap((secret) => problemsOfSecret(scheme, secret)));
  return problems;
};

const problemsOfHmac = (hmac: HmacSettings): string[] => {
  const template = signedTemplateOf(hmac);
  const problems: string[] = [];
  const times = (name: string) => template.split(name).length - 1;
  if (times('{body}') !== 1 || times('{timestamp}') > 1) {
    problems.push('"hmac.signed" has {body} once and {timestamp} at most once.');
  }
  if (/[{}]/.test(template.replaceAll('{body}', '').replaceAll('{timestamp}', ''))) {
    problems.push('"hmac.signed" knows {body} and {timestamp} only.');
  }
  const isStamped = times('{timestamp}') > 0;
  if (isStamped && hmac.timestampHeader === undefined) {
    problems.push('A signed time stamp needs "hmac.timestampHeader", the header that it comes in.');
  }
  if (!isStamped && hmac.timestampHeader !== undefined) {
    problems.push('A time stamp proves something only when it is signed: name {timestamp} in "hmac.signed".');
  }
  if (hmac.header.toLowerCase() === hmac.timestampHeader?.toLowerCase()) {
    problems.push('"hmac.header" and "hmac.timestampHeader" are the same.');
  }
  return problems;
};
