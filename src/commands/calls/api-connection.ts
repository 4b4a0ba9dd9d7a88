// Clients of a running server's services, with the credentials that the surroundings give.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Auth, Broker, type ClientOptions, Community, Hooks, Queue, ScriptHooks } from '#client';
import { describeError, describeFileError, errorCode, OperatorError } from '../../core/errors.ts';
import { COMMAND_LINE_AGENT } from '../../http/api-method.ts';
import { VERSION } from '../../version.ts';
import { loginsFile, readLogins, type StoredCredentials } from './stored-logins.ts';

export type Connection = {
  /** Without a slash at its end. */
  readonly rootUrl: string;
  readonly clientId: string;
  /** For people: where the credentials come from. */
  readonly source: string;
  readonly hooks: Hooks;
  readonly auth: Auth;
  readonly queue: Queue;
  readonly broker: Broker;
  readonly community: Community;
  readonly scripts: ScriptHooks;
};

export type ConnectionChoice = {
  /** What --data, --root-url and --client-id say. */
  readonly data: string | undefined;
  readonly rootUrl: string | undefined;
  readonly clientId: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
};

type Found = { readonly rootUrl: string; readonly credentials: StoredCredentials; readonly source: string };

/**
 * In this order: --data; --root-url and --client-id, with TASKCLUSTER_* or a login; TASKCLUSTER_*;
 * the data folder here; the latest login. Throws HW_NO_CREDENTIALS, HW_BAD_OPTION,
 * HW_CREDENTIALS_OPEN.
 */
export const connectApi = async (choice: ConnectionChoice): Promise<Connection> =>
  connectWith(await findCredentials(choice));

/** A person waits: what fails is said at once, and not tried again. */
const RETRIES = 0;

/** The audit of the server tells what came from the command line. */
const fetchAsCommandLine: ClientOptions['fetch'] = (url, init) =>
  fetch(url, { ...init, headers: { ...init.headers, 'user-agent': `${COMMAND_LINE_AGENT}${VERSION}` } });

export const connectWith = ({ rootUrl, credentials, source }: Found): Connection => {
  try {
    const options: ClientOptions = { rootUrl, credentials, retries: RETRIES, fetch: fetchAsCommandLine };
    const hooks = new Hooks(options);
    return {
      ...{ rootUrl: hooks.rootUrl, clientId: credentials.clientId, source, hooks },
      ...{ auth: new Auth(options), queue: new Queue(options), broker: new Broker(options) },
      community: new Community(options),
      scripts: new ScriptHooks(options),
    };
  } catch (error) {
    // The client checks its options, and says what is wrong with them without repeating secrets.
    throw new OperatorError('HW_BAD_OPTION', {
      problem: `The credentials cannot be used: ${describeError(error)}`,
      cure: `They come from ${source}`,
    });
  }
};

const findCredentials = async (choice: ConnectionChoice): Promise<Found> => {
  const { data, rootUrl, clientId, env, cwd } = choice;
  if (data !== undefined) {
    if (rootUrl === undefined && clientId === undefined) return fromDataFolder(resolve(cwd, data));
    throw new OperatorError('HW_BAD_OPTION', {
      problem: '--data names a server and its root client already',
      cure: 'Leave out --root-url and --client-id, or --data',
    });
  }
  const found = fromVariables(choice);
  if (found !== undefined) return found;
  const isChosen = rootUrl !== undefined || clientId !== undefined || Boolean(env.TASKCLUSTER_ROOT_URL);
  const folder = resolve(cwd, env.HOOKWRIGHT_DATA || '.hookwright');
  if (!isChosen) {
    const here = await fromDataFolder(folder).catch((error: unknown) => {
      if (error instanceof OperatorError && errorCode(error.cause) === 'ENOENT') return undefined;
      throw error;
    });
    if (here !== undefined) return here;
  }
  const login = await fromLogins(choice);
  if (login !== undefined) return login;
  throw isChosen
    ? new OperatorError('HW_NO_CREDENTIALS', {
        path: loginsFile(env),
        reason: 'it has none for this server and client',
      })
    : new OperatorError('HW_NO_CREDENTIALS', {
        path: join(folder, 'root-credentials.json'),
        reason: 'there is no such file',
      });
};

/** undefined: they say too little, or are for another server than the one that was asked for. */
const fromVariables = ({ rootUrl, clientId, env }: ConnectionChoice): Found | undefined => {
  const { TASKCLUSTER_ROOT_URL, TASKCLUSTER_CLIENT_ID, TASKCLUSTER_ACCESS_TOKEN, TASKCLUSTER_CERTIFICATE } = env;
  const isOther = rootUrl !== undefined && TASKCLUSTER_ROOT_URL && trimmed(TASKCLUSTER_ROOT_URL) !== trimmed(rootUrl);
  const isOtherClient = clientId !== undefined && TASKCLUSTER_CLIENT_ID && TASKCLUSTER_CLIENT_ID !== clientId;
  const url = rootUrl ?? TASKCLUSTER_ROOT_URL;
  const id = clientId ?? TASKCLUSTER_CLIENT_ID;
  if (isOther || isOtherClient || !url || !id || !TASKCLUSTER_ACCESS_TOKEN) return undefined;
  const certificate = TASKCLUSTER_CERTIFICATE ? { certificate: TASKCLUSTER_CERTIFICATE } : {};
  return {
    rootUrl: trimmed(url),
    credentials: { clientId: id, accessToken: TASKCLUSTER_ACCESS_TOKEN, ...certificate },
    source: 'the variables TASKCLUSTER_…',
  };
};

const fromDataFolder = async (folder: string): Promise<Found> => {
  const path = join(folder, 'root-credentials.json');
  try {
    const { rootUrl, clientId, accessToken } = JSON.parse(await readFile(path, 'utf8')) as Record<string, string>;
    if (!rootUrl || !clientId || !accessToken) throw new Error('something is missing in it');
    return { rootUrl: trimmed(rootUrl), credentials: { clientId, accessToken }, source: path };
  } catch (error) {
    // What JSON.parse says would show a piece of the file.
    const reason = error instanceof SyntaxError ? 'it is not JSON' : describeFileError(error);
    throw new OperatorError('HW_NO_CREDENTIALS', { path, reason }, error);
  }
};

const fromLogins = async ({ rootUrl, clientId, env }: ConnectionChoice): Promise<Found | undefined> => {
  const { current, logins } = await readLogins(env);
  const url = rootUrl ?? (env.TASKCLUSTER_ROOT_URL || current);
  if (url === undefined) return undefined;
  const credentials = Object.hasOwn(logins, trimmed(url)) ? logins[trimmed(url)] : undefined;
  if (credentials === undefined || (clientId !== undefined && credentials.clientId !== clientId)) return undefined;
  return { rootUrl: trimmed(url), credentials, source: `the login in ${loginsFile(env)}` };
};

export const trimmed = (rootUrl: string): string => rootUrl.replace(/\/+$/, '');
