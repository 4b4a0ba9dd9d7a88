// Who signed a request: Hawk verifies the signature; clients, certificates, restrictions and
// replays say what it is worth.
import { type HawkFields, withoutBrackets } from '#signing';
import type { Clock } from '../../core/clock.ts';
import { newAccessToken } from '../../core/ids.ts';
import { signaturesAreEqual } from '../../core/secret-box.ts';
import type { Authenticate, Caller, SignedRequest } from '../../http/api-method.ts';
import { hawkMac } from '../../taskcluster/hawk.ts';
import type { RoleExpansion } from '../roles/role-expansion.ts';
import { holdsAll } from '../scopes.ts';
import { type Address, checkResource, readHost } from './address.ts';
import { authenticationFailed, twoSchemes } from './authentication-failed.ts';
import { CLIENT_ID, verifyCertificate } from './certificate.ts';
import { type ExtCertificate, parseExt } from './ext.ts';
import { checkPayload } from './payload-hash.ts';
import { hasBewit, readBewit } from './read-bewit.ts';
import { readHeader } from './read-header.ts';
import { CLOCK_SKEW_MS, type Replays } from './replays.ts';

/**
 * What verification needs to know of a client. The same object as long as the client did not
 * change.
 */
export type KnownClient = {
  readonly clientId: string;
  readonly accessToken: string;
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expires: number;
  readonly disabled: boolean;
  /** Milliseconds since the epoch; may be hours old. */
  readonly lastDateUsed: number;
};

export type AuthenticatorSettings = {
  readonly clock: Clock;
  /**
   * Where callers believe the server to be, which is what they sign. undefined: where their Host
   * header says.
   */
  readonly rootUrl: Address | undefined;
  readonly findClient: (clientId: string) => KnownClient | undefined | Promise<KnownClient | undefined>;
  readonly roles: () => RoleExpansion | Promise<RoleExpansion>;
  readonly replays: Replays;
  /**
   * Called for each request that was signed well, with the client whose key (or certificate) it
   * was.
   */
  readonly onUsed?: (client: KnownClient) => void;
};

/** What is known of a request that was signed well; `authenticateHawk` answers all of it. */
export type Authentication = Caller & {
  readonly clientId: string;
  /** Milliseconds since the epoch: when these credentials end. */
  readonly expires: number;
};

/** A request that another service received, as that service tells of it. */
export type ForwardedRequest = {
  readonly method: string;
  /** The raw path and query. */
  readonly url: string;
  /** Where it was sent to. */
  readonly address: Address;
  readonly authorization: string | undefined;
};

export type Authenticator = {
  readonly authenticate: Authenticate;
  /** undefined: the request is unsigned. */
  readonly verify: (request: SignedRequest) => Promise<Authentication | undefined>;
  /**
   * The same for a request that was sent to somebody else, with the payload hash that its signer
   * claims, which only they can check. A use is neither recorded nor looked up: they may ask
   * again about the same request when they did not hear the answer, and somebody who overheard it
   * could otherwise use it up before it arrives.
   */
  readonly verifyForwarded: (
    request: ForwardedRequest,
  ) => Promise<(Authentication & { readonly hash: string | undefined }) | undefined>;
  /**
   * Lets the same signature be used once more, if this request used it. For requests that the
   * server could not answer (5xx): the Rust client sends them again as they were, with the nonce
   * that was used already.
   */
  readonly forgive: (request: SignedRequest) => void;
};

export const EVERYBODY = 'assume:anonymous';

/** Whose signature it is, and what it means. */
type Candidate = {
  readonly client: KnownClient;
  readonly clientId: string;
  readonly expires: number;
  /** Neither expanded nor with what everybody has. */
  readonly scopes: readonly string[];
  readonly authorizedScopes: readonly string[] | undefined;
  readonly roles: RoleExpansion;
};

/** What the signer wrote besides, in a header. A bewit has none of it. */
type Claims = { readonly id: string; readonly nonce: string; readonly ts: string; readonly hash: string | undefined };

/** What a request says of who signed it, before anything is looked up. */
type Signature = {
  readonly id: string;
  readonly mac: string;
  readonly type: 'header' | 'bewit';
  readonly fields: HawkFields;
  readonly claims?: Claims;
};

type Verified = { readonly candidate: Candidate; readonly claims: Claims | undefined };

/**
 * Stands in for clients that do not exist. Nobody knows its token, so its signatures are all bad.
 */
const STRANGER = { accessToken: newAccessToken(), scopes: [], expires: Number.POSITIVE_INFINITY, disabled: false };

export const createAuthenticator = (settings: AuthenticatorSettings): Authenticator => {
  const { clock, findClient, roles, replays, onUsed } = settings;
  const rootUrl = settings.rootUrl && { ...settings.rootUrl, host: withoutBrackets(settings.rootUrl.host) };

  /** undefined: the request is unsigned. `addressOf` is asked only for signed ones. */
  const verifySignature = async (
    request: Omit<ForwardedRequest, 'address'>,
    addressOf: () => Address,
  ): Promise<Verified | undefined> => {
    const signature = readSignature(request, addressOf);
    if (!signature) return undefined;
    const { id: clientId, type, fields, mac, claims } = signature;
    const ext = parseExt(fields.ext, clientId);
    const issuerId = ext.issuer ?? clientId;
    // A name that no client can have is not worth a question to the database, nor fit for one
    // (NUL).
    const asked = CLIENT_ID.test(issuerId) ? findClient(issuerId) : undefined;
    // What is known at once is not waited for: that would take as long as to look it up.
    const found = asked instanceof Promise ? await asked : asked;
    const client = found ?? { ...STRANGER, clientId: issuerId, lastDateUsed: 0 };
    const current = roles();
    const expansion = current instanceof Promise ? await current : current;
    const { key, scopes, expires } = ext.certificate
      ? temporary(client, clientId, ext.certificate, expansion, clock.now())
      : { key: client.accessToken, scopes: client.scopes, expires: client.expires };
    checkMac(mac, hawkMac(type, key, fields));
    // What is wrong with a client itself is told once the signature is known to be good: callers
    // without its key do not even learn that it exists.
    const now = clock.now();
    checkClient(client, now);
    if (type === 'header') checkSkew(fields.timestamp, now);
    else checkEnd(fields.timestamp, now);
    const { authorizedScopes } = ext;
    return { candidate: { client, clientId, expires, scopes, authorizedScopes, roles: expansion }, claims };
  };

  /** After the signature is known to be good. */
  const conclude = (candidate: Candidate): Authentication => {
    const authentication = authenticationOf(candidate);
    onUsed?.(candidate.client);
    return authentication;
  };

  const verify = async (request: SignedRequest): Promise<Authentication | undefined> => {
    const verified = await verifySignature(request, () => rootUrl ?? readHost(request.host));
    if (!verified) return undefined;
    const { candidate, claims } = verified;
    if (claims?.hash) await checkPayload(request, claims.hash);
    const problem = claims && replays.use(request, claims);
    if (problem) throw authenticationFailed(`Unauthorized: ${problem}`);
    return conclude(candidate);
  };

  const verifyForwarded: Authenticator['verifyForwarded'] = async ({ address, ...request }) => {
    const verified = await verifySignature(request, () => address);
    return verified && { ...conclude(verified.candidate), hash: verified.claims?.hash };
  };

  // Most requests bear a client's own credentials: what they mean changes only with the client or
  // the roles.
  const cache = new WeakMap<KnownClient, { readonly roles: RoleExpansion; readonly authentication: Authentication }>();
  const authenticationOf = (candidate: Candidate): Authentication => {
    const { client, clientId, expires, scopes, authorizedScopes } = candidate;
    const cached = cache.get(client);
    const isPlain = scopes === client.scopes && clientId === client.clientId && authorizedScopes === undefined;
    if (isPlain && cached?.roles === candidate.roles) return cached.authentication;
    if (authorizedScopes) checkRestriction(candidate, authorizedScopes);
    const expanded = candidate.roles.expand([...(authorizedScopes ?? scopes), EVERYBODY]);
    const authentication = Object.freeze({ clientId, expires, scopes: expanded });
    if (isPlain) cache.set(client, { roles: candidate.roles, authentication });
    return authentication;
  };

  return {
    verify,
    verifyForwarded,
    authenticate: async (request) =>
      (await verify(request)) ?? { clientId: undefined, scopes: (await roles()).expand([EVERYBODY]) },
    forgive: replays.forgive,
  };
};

const readSignature = (
  { method, url, authorization }: Omit<ForwardedRequest, 'address'>,
  addressOf: () => Address,
): Signature | undefined => {
  const isLink = hasBewit(url);
  if (!authorization && !isLink) return undefined;
  if (authorization && isLink) throw twoSchemes();
  const { host, port } = addressOf();
  checkResource(url);
  if (authorization) {
    const { id, ts, nonce, mac, hash, ext, app, dlg } = readHeader(authorization);
    const fields = { timestamp: ts, nonce, verb: method, resource: url, host, port, hash, ext, app, dlg };
    return { id, mac, type: 'header', fields, claims: { id, nonce, ts, hash } };
  }
  const { id, exp, mac, ext, resource } = readBewit(url);
  if (!['GET', 'HEAD'].includes(method)) throw authenticationFailed('Unauthorized: Invalid method');
  return { id, mac, type: 'bewit', fields: { timestamp: exp, nonce: '', verb: 'GET', resource, host, port, ext } };
};

/**
 * One answer for a wrong key, an altered request and a client that does not exist, so that it does
 * not tell which names are taken.
 */
const checkMac = (given: string, computed: string): void => {
  if (!signaturesAreEqual(given, computed)) throw authenticationFailed('Unauthorized: Bad mac');
};

const checkClient = ({ clientId, disabled, expires }: KnownClient, now: number): void => {
  if (disabled) throw authenticationFailed(`Client with clientId '${clientId}' is disabled`);
  if (expires < now) throw authenticationFailed(`Client with clientId: '${clientId}' has expired`);
};

/** A time that is no number is stale, too. */
const checkSkew = (ts: HawkFields['timestamp'], now: number): void => {
  const skew = Math.abs(Number(ts) * 1000 - now);
  if (!(skew <= CLOCK_SKEW_MS)) throw authenticationFailed('Unauthorized: Stale timestamp');
};

const checkEnd = (exp: HawkFields['timestamp'], now: number): void => {
  const isOver = !/^\d{1,15}$/.test(`${exp}`) || Number(exp) * 1000 <= now;
  if (isOver) throw authenticationFailed('Unauthorized: Access expired');
};

const temporary = (
  client: KnownClient,
  name: string,
  certificate: ExtCertificate,
  { expand }: RoleExpansion,
  now: number,
) => {
  const { clientId, accessToken } = client;
  const issuer = { clientId, accessToken, expandedScopes: () => expand(client.scopes) };
  const { expires, ...signing } = verifyCertificate(certificate, { name, issuer, now });
  return { ...signing, expires: Math.min(client.expires, expires) };
};

/** Throws AuthenticationFailed when the signer restricts the request to more than there is. */
const checkRestriction = ({ scopes, roles }: Candidate, authorizedScopes: readonly string[]): void => {
  if (holdsAll(roles.expand([...scopes, EVERYBODY]), authorizedScopes)) return;
  throw authenticationFailed(
    `Supplied credentials do not satisfy authorizedScopes; credentials have scopes [${scopes.join(', ')}]; ` +
      `authorizedScopes are [${authorizedScopes.join(', ')}]`,
  );
};
