// Who signed a request (spec/standalone-auth-queue.md, section 2). Hawk's own functions verify;
// what is around them is here: clients, certificates, restrictions, replays.
import hawk, { type Credentials } from 'hawk';
import type { Clock } from '../../core/clock.ts';
import { ApiError } from '../../http/api-error.ts';
import type { Authenticate, Caller, SignedRequest } from '../../http/api-method.ts';
import type { RoleExpansion } from '../roles/role-expansion.ts';
import { holdsAll } from '../scopes.ts';
import { CLIENT_ID, verifyCertificate } from './certificate.ts';
import { type Ext, parseExt } from './ext.ts';
import { checkPayload } from './payload-hash.ts';
import {
  type Address,
  checkResource,
  hasBewit,
  readBewit,
  readHeader,
  readHost,
  twoSchemes,
  withoutBrackets,
} from './read-header.ts';
import { refusal } from './refusal.ts';
import type { Replays } from './replays.ts';

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

/** What is known of a request that was signed well; `authenticateHawk` will answer all of it. */
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
  /** undefined: nobody signed the request. */
  readonly verify: (request: SignedRequest) => Promise<Authentication | undefined>;
  /**
   * The same for a request that was sent to somebody else, with the payload hash that its signer
   * claims, which only they can check. A use is neither remembered nor looked up: they may ask
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

/** Either side; certificates and bewits have times of their own. */
const CLOCK_SKEW_S = 15 * 60;
export const EVERYBODY = 'assume:anonymous';

/** Credentials that hawk can verify with, and what they will mean once it has. */
type Candidate = {
  readonly credentials: Credentials;
  readonly client: KnownClient;
  readonly clientId: string;
  readonly expires: number;
  /** Neither expanded nor with what everybody has. */
  readonly scopes: readonly string[];
  readonly roles: RoleExpansion;
  /**
   * What is wrong with the restriction. Told only once the signature is known to be good, because
   * it names the client's scopes.
   */
  readonly excess: ApiError | undefined;
};

/** What a signature covers, whoever received it. */
type Incoming = Address & Omit<ForwardedRequest, 'address'>;

/** What the signer wrote besides, in a header. A bewit has none of it. */
type Claims = { readonly id: string; readonly nonce: string; readonly ts: string; readonly hash: string | undefined };

type Verified = { readonly candidate: Candidate; readonly claims?: Claims };

export const createAuthenticator = (settings: AuthenticatorSettings): Authenticator => {
  const { clock, findClient, roles, replays, onUsed } = settings;
  const rootUrl = settings.rootUrl && { ...settings.rootUrl, host: withoutBrackets(settings.rootUrl.host) };

  const findIssuer = async (clientId: string): Promise<KnownClient> => {
    // A name that no client can have is not worth a question to the database, nor fit for one
    // (NUL).
    const client = CLIENT_ID.test(clientId) ? await findClient(clientId) : undefined;
    if (!client) throw refusal(`Client with clientId '${clientId}' not found`);
    if (client.disabled) throw refusal(`Client with clientId '${clientId}' is disabled`);
    if (client.expires < clock.now()) throw refusal(`Client with clientId: '${clientId}' has expired`);
    return client;
  };

  const loadCandidate = async (clientId: string, extText: string | undefined): Promise<Candidate> => {
    const ext = parseExt(extText, clientId);
    const client = await findIssuer(ext.issuer ?? clientId);
    const expansion = await roles();
    const { accessToken, ...restricted } = restrict(client, clientId, ext, expansion, clock.now());
    const credentials = { key: accessToken, algorithm: 'sha256' } as const;
    return { credentials, client, clientId, roles: expansion, ...restricted };
  };

  /**
   * Runs one of hawk's functions, which ask for credentials and throw what is for the signer to
   * read.
   */
  const runHawk = async <Result>(
    load: (id: string) => Promise<Candidate>,
    run: (find: (id: string) => Promise<Credentials | null>) => Promise<Result>,
  ): Promise<{ result: Result; candidate: Candidate }> => {
    let candidate: Candidate | undefined;
    let failure: { readonly error: unknown } | undefined;
    const find = async (id: string) => {
      try {
        candidate = await load(id);
        return candidate.credentials;
      } catch (error) {
        failure = { error }; // hawk would wrap it: what we refuse has its own text, and a database that is away is no 401
        return null;
      }
    };
    try {
      const result = await run(find);
      if (!candidate) throw new Error('hawk verified without credentials');
      return { result, candidate };
    } catch (error) {
      throw failure ? failure.error : fromHawk(error);
    }
  };

  /**
   * Hawk's part of a request. It would take an absolute URL apart and verify its path; what is
   * routed must be what was signed, so: paths only.
   */
  const toVerify = ({ method, url, host, port }: Incoming) => {
    checkResource(url);
    return { method, url, host, port };
  };

  const hawkTime = () => ({ localtimeOffsetMsec: clock.now() - hawk.utils.now() });

  const verifyHeader = async (request: Incoming, authorization: string): Promise<Verified> => {
    const attributes = readHeader(authorization);
    const { result, candidate } = await runHawk(
      (id) => loadCandidate(id, attributes?.ext),
      (find) =>
        hawk.server.authenticate({ ...toVerify(request), authorization }, find, {
          timestampSkewSec: CLOCK_SKEW_S,
          ...hawkTime(),
        }),
    );
    const { id, nonce, ts, hash, ext } = result.artifacts;
    // Two parsers saw the header. They agree, or what was checked is not what was signed.
    if (id !== candidate.clientId || (ext ?? '') !== (attributes?.ext ?? ''))
      throw refusal('Bad Request: Bad header format');
    // A time that is no number is never stale for hawk.
    if (!Number.isFinite(Number(ts))) throw refusal('Unauthorized: Stale timestamp');
    return { candidate, claims: { id, nonce, ts, hash } };
  };

  const verifyBewit = async (request: Incoming): Promise<Verified> => {
    const bewit = readBewit(request.url);
    const { result, candidate } = await runHawk(
      (id) => loadCandidate(id, bewit?.ext),
      (find) => hawk.server.authenticateBewit(toVerify(request), find, hawkTime()),
    );
    const { id, exp, ext } = result.attributes;
    if (id !== candidate.clientId || ext !== (bewit?.ext ?? '')) throw refusal('Bad Request: Invalid bewit structure');
    // As with the time of a header: an expiry that is no number never comes for hawk.
    if (!/^\d{1,15}$/.test(exp)) throw refusal('Unauthorized: Access expired');
    return { candidate };
  };

  /** undefined: nobody signed. `addressOf` is asked only when somebody did. */
  const verifySignature = async (
    request: Omit<ForwardedRequest, 'address'>,
    addressOf: () => Address,
  ): Promise<Verified | undefined> => {
    const { method, url, authorization } = request;
    if (!authorization) {
      return hasBewit(url) ? verifyBewit({ method, url, authorization, ...addressOf() }) : undefined;
    }
    if (!hasBewit(url)) return verifyHeader({ method, url, authorization, ...addressOf() }, authorization);
    throw twoSchemes();
  };

  /** After everything else is known to be good. */
  const conclude = (candidate: Candidate): Authentication => {
    if (candidate.excess) throw candidate.excess;
    onUsed?.(candidate.client);
    return authenticationOf(candidate);
  };

  const verify = async (request: SignedRequest): Promise<Authentication | undefined> => {
    const verified = await verifySignature(request, () => rootUrl ?? readHost(request.host));
    if (!verified) return undefined;
    const { candidate, claims } = verified;
    if (claims?.hash) checkPayload(request, claims.hash);
    if (claims && !replays.use(request, claims)) throw refusal('Unauthorized: Invalid nonce');
    return conclude(candidate);
  };

  const verifyForwarded: Authenticator['verifyForwarded'] = async ({ address, ...request }) => {
    const verified = await verifySignature(request, () => address);
    return verified && { ...conclude(verified.candidate), hash: verified.claims?.hash };
  };

  // Most requests bear a client's own credentials: what they mean changes only with the client or
  // the roles.
  const known = new WeakMap<KnownClient, { readonly roles: RoleExpansion; readonly authentication: Authentication }>();
  const authenticationOf = (candidate: Candidate): Authentication => {
    const { client, clientId, expires, scopes } = candidate;
    const remembered = known.get(client);
    const isPlain = scopes === client.scopes && clientId === client.clientId;
    if (isPlain && remembered?.roles === candidate.roles) return remembered.authentication;
    const expanded = candidate.roles.expand([...scopes, EVERYBODY]);
    const authentication = Object.freeze({ clientId, expires, scopes: expanded });
    if (isPlain) known.set(client, { roles: candidate.roles, authentication });
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

/**
 * What is left of a client once its certificate and the restriction are taken into account
 * (sections 2.5 and 2.6).
 */
const restrict = (client: KnownClient, name: string, ext: Ext, { expand }: RoleExpansion, now: number) => {
  let { accessToken, scopes, expires } = client;
  let excess: ApiError | undefined;
  if (ext.certificate) {
    const issuer = { clientId: client.clientId, accessToken, expandedScopes: expand(scopes) };
    const temporary = verifyCertificate(ext.certificate, { name, issuer, now });
    accessToken = temporary.key;
    scopes = temporary.scopes;
    expires = Math.min(expires, temporary.expires);
  }
  if (ext.authorizedScopes) {
    const isWithin = holdsAll(expand([...scopes, EVERYBODY]), ext.authorizedScopes);
    if (!isWithin) excess = excessError(scopes, ext.authorizedScopes);
    scopes = ext.authorizedScopes;
  }
  return { accessToken, scopes, expires, excess };
};

const excessError = (scopes: readonly string[], authorizedScopes: readonly string[]): ApiError =>
  refusal(
    `Supplied credentials do not satisfy authorizedScopes; credentials have scopes [${scopes.join(', ')}]; ` +
      `authorizedScopes are [${authorizedScopes.join(', ')}]`,
  );

/** `Unauthorized: Bad mac`, as hawk says it. Whatever else it throws, it did not verify. */
const fromHawk = (error: unknown): ApiError => {
  if (error instanceof ApiError) return error;
  const { output, message } = error as { output?: { payload?: { error?: unknown } }; message?: unknown };
  const kind = output?.payload?.error;
  return refusal(typeof kind === 'string' ? `${kind}: ${message}` : 'Bad Request: Bad header format');
};
