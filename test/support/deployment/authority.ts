// Who signs and what they may do, in a stand-in for a Taskcluster deployment: written with the
// field's own packages and with nothing of ours, so that it does not share our mistakes.
import { createHmac } from 'node:crypto';
import hawk from 'hawk';
import scopeLib from 'taskcluster-lib-scopes';

export type StandInClient = {
  readonly accessToken: string;
  readonly scopes: readonly string[];
  readonly disabled?: boolean;
};

/** What a signature covers, as a service tells of it. */
export type Signed = {
  readonly method: string;
  readonly resource: string;
  readonly host: string;
  readonly port: number;
  readonly authorization: string | undefined;
};

export type Verdict =
  | {
      readonly status: 'no-auth';
      readonly scheme: 'none';
      readonly scopes: readonly string[];
      readonly expires: string;
    }
  | { readonly status: 'auth-failed'; readonly message: string }
  | {
      readonly status: 'auth-success';
      readonly scheme: 'hawk';
      readonly clientId: string;
      readonly scopes: readonly string[];
      readonly expires: string;
      readonly hash?: string;
    };

export type Expression = Parameters<typeof scopeLib.satisfiesExpression>[1];

type Certificate = {
  readonly version: number;
  readonly scopes: readonly string[];
  readonly start: number;
  readonly expiry: number;
  readonly seed: string;
  readonly signature: string;
  readonly issuer?: string;
};
type Ext = { readonly certificate?: Certificate; readonly authorizedScopes?: readonly string[] };

const SKEW_S = 15 * 60;
const LEEWAY_MS = 5 * 60 * 1000;
const LONGEST_HEADER = 4096;
const FAR = '3026-01-01T00:00:00.000Z';

export type Authority = {
  readonly clients: Map<string, StandInClient>;
  /** roleId → its scopes. */
  readonly roles: Map<string, readonly string[]>;
  readonly verify: (signed: Signed) => Promise<Verdict>;
  readonly expand: (scopes: readonly string[]) => string[];
};

export const createAuthority = (now: () => number): Authority => {
  const clients = new Map<string, StandInClient>();
  const roles = new Map<string, readonly string[]>();

  const expand = (scopes: readonly string[]): string[] => {
    const found = new Set(scopes);
    for (const scope of found) {
      if (!scope.startsWith('assume:') && !(scope.endsWith('*') && 'assume:'.startsWith(scope.slice(0, -1)))) continue;
      const held = scope.startsWith('assume:') ? scope.slice('assume:'.length) : '*';
      for (const [roleId, granted] of roles) {
        const parameter = matchRole(roleId, held);
        if (parameter !== undefined) for (const one of granted) found.add(fillIn(one, roleId, parameter));
      }
    }
    const sorted = [...found].sort(scopeLib.scopeCompare);
    return scopeLib.normalizeScopeSet(sorted);
  };
  const withEverybody = (scopes: readonly string[]) => expand([...scopes, 'assume:anonymous']);
  const holdsAll = (held: readonly string[], wanted: readonly string[]) =>
    scopeLib.satisfiesExpression(held, { AllOf: wanted });

  /** Throws an Error whose message is for the signer. */
  const candidate = (id: string, extText: string | undefined) => {
    const ext = readExt(extText);
    const { certificate, authorizedScopes } = ext;
    const issuer = certificate?.issuer ?? id;
    const client = clients.get(issuer);
    if (!client) throw new Error(`Client with clientId '${issuer}' not found`);
    if (client.disabled) throw new Error(`Client with clientId '${issuer}' is disabled`);
    let key = client.accessToken;
    let { scopes } = client;
    let expires = FAR;
    if (certificate) {
      checkCertificate(certificate, now());
      const held = expand(scopes);
      if (certificate.issuer !== undefined && !holdsAll(held, [`auth:create-client:${id}`])) {
        throw new Error(`ext.certificate issuer \`${issuer}\` doesn't have \`auth:create-client:${id}\``);
      }
      if (!holdsAll(held, certificate.scopes)) throw new Error("ext.certificate issuer doesn't satisfy all scopes");
      if (certificate.signature !== signatureOf(certificate, id, key)) {
        throw new Error('ext.certificate.signature is not valid');
      }
      key = createHmac('sha256', key).update(certificate.seed).digest('base64url');
      scopes = certificate.scopes;
      expires = new Date(certificate.expiry).toISOString();
    }
    const finish = () => {
      if (authorizedScopes === undefined) return scopes;
      if (holdsAll(withEverybody(scopes), authorizedScopes)) return authorizedScopes;
      throw new Error('Supplied credentials do not satisfy authorizedScopes');
    };
    return { credentials: { key, algorithm: 'sha256' as const }, expires, finish };
  };

  const verifyOrThrow = async ({ method, resource, host, port, authorization }: Signed): Promise<Verdict> => {
    const hasBewit = /[?&]bewit=/.test(resource);
    if (!authorization && !hasBewit) {
      const expires = new Date(now() + 15 * 60 * 1000).toISOString();
      return { status: 'no-auth', scheme: 'none', scopes: withEverybody([]), expires };
    }
    if (authorization && hasBewit) throw new Error('Cannot use two authentication schemes at once');
    if (authorization && authorization.length > LONGEST_HEADER) throw new Error('Bad Request: Header length too long');
    const request = { method: method.toUpperCase(), url: resource, host, port, authorization };
    const localtimeOffsetMsec = now() - hawk.utils.now();
    let found: ReturnType<typeof candidate> | undefined;
    const find = (ext: string | undefined) => async (id: string) => {
      found = candidate(id, ext);
      return found.credentials;
    };
    const success = (clientId: string, hash?: string): Verdict => {
      if (!found) throw new Error('nobody was found');
      const scopes = withEverybody(found.finish());
      const { expires } = found;
      return { status: 'auth-success', scheme: 'hawk', clientId, scopes, expires, ...(hash && { hash }) };
    };
    if (authorization) {
      const ext = /[ ,]ext="([^"]*)"/.exec(authorization)?.[1];
      const { artifacts } = await hawk.server.authenticate(request, find(ext), {
        timestampSkewSec: SKEW_S,
        localtimeOffsetMsec,
      });
      return success(artifacts.id, artifacts.hash);
    }
    const bewit = /[?&]bewit=([^&]*)/.exec(resource)?.[1] ?? '';
    const ext = Buffer.from(bewit, 'base64url').toString().split('\\')[3];
    const { attributes } = await hawk.server.authenticateBewit(request, find(ext), { localtimeOffsetMsec });
    return success(attributes.id);
  };

  return {
    clients,
    roles,
    expand,
    verify: async (signed) => {
      try {
        return await verifyOrThrow(signed);
      } catch (error) {
        const { message, output } = error as Error & { output?: { payload?: { error?: string } } };
        const kind = output?.payload?.error;
        return { status: 'auth-failed', message: kind ? `${kind}: ${message}` : message };
      }
    },
  };
};

/** The parameter, empty where there is none; undefined where the role does not match. */
const matchRole = (roleId: string, held: string): string | undefined => {
  const roleStar = roleId.endsWith('*');
  const heldStar = held.endsWith('*');
  const role = roleStar ? roleId.slice(0, -1) : roleId;
  const prefix = heldStar ? held.slice(0, -1) : held;
  if (!roleStar) return (heldStar ? role.startsWith(prefix) : role === held) ? '' : undefined;
  if (prefix.startsWith(role)) return prefix.slice(role.length) + (heldStar ? '*' : '');
  return heldStar && role.startsWith(prefix) ? '*' : undefined;
};

const fillIn = (scope: string, roleId: string, parameter: string): string => {
  const at = roleId.endsWith('*') ? scope.indexOf('<..>') : -1;
  if (at === -1) return scope;
  const filled = scope.slice(0, at) + parameter;
  return parameter.endsWith('*') ? filled : filled + scope.slice(at + '<..>'.length);
};

const readExt = (text: string | undefined): Ext => {
  if (!text) return {};
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString()) as Ext;
  } catch {
    throw new Error('Failed to parse ext');
  }
};

const checkCertificate = ({ version, seed, start, expiry }: Certificate, now: number): void => {
  if (version !== 1) throw new Error('ext.certificate.version must be 1');
  if (seed?.length !== 44) throw new Error('ext.certificate.seed must be 44 characters');
  if (start > now + LEEWAY_MS) throw new Error('ext.certificate.start > now');
  if (expiry < now - LEEWAY_MS) throw new Error('ext.certificate.expiry < now');
};

const signatureOf = (
  { version, issuer, seed, start, expiry, scopes }: Certificate,
  id: string,
  key: string,
): string => {
  const named = issuer === undefined ? [] : [`clientId:${id}`, `issuer:${issuer}`];
  const lines = [`version:${version}`, ...named, `seed:${seed}`, `start:${start}`, `expiry:${expiry}`, 'scopes:'];
  return createHmac('sha256', key)
    .update([...lines, ...scopes].join('\n'))
    .digest('base64');
};
