// Signed calls to a running server, with the credentials that the surroundings give.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import hawk from 'hawk';
import { describeError, OperatorError } from '../core/errors.ts';

export type ApiCall = (method: string, path: string, body?: unknown) => Promise<{ status: number; body: unknown }>;

type Credentials = { readonly rootUrl: string; readonly clientId: string; readonly accessToken: string };

type Surroundings = {
  readonly dataFolder: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
};

/** A data folder that was named wins; then TASKCLUSTER_*; then the default data folder. Throws HW_NO_CREDENTIALS. */
export const connectApi = async (surroundings: Surroundings): Promise<ApiCall> => {
  const { rootUrl, clientId, accessToken } = await findCredentials(surroundings);
  return async (method, path, body) => {
    const url = `${rootUrl}${path}`;
    const credentials = { id: clientId, key: accessToken, algorithm: 'sha256' as const };
    const { header } = hawk.client.header(url, method, { credentials });
    const headers = { authorization: header, ...(body !== undefined && { 'content-type': 'application/json' }) };
    try {
      const response = await fetch(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
      const text = await response.text();
      return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as unknown) };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new OperatorError('HW_SERVER_UNREACHABLE', { rootUrl, reason: describeError(cause) }, error);
    }
  };
};

const findCredentials = async ({ dataFolder, env, cwd }: Surroundings): Promise<Credentials> => {
  const { TASKCLUSTER_ROOT_URL, TASKCLUSTER_CLIENT_ID, TASKCLUSTER_ACCESS_TOKEN } = env;
  if (dataFolder === undefined && TASKCLUSTER_ROOT_URL && TASKCLUSTER_CLIENT_ID && TASKCLUSTER_ACCESS_TOKEN) {
    const rootUrl = TASKCLUSTER_ROOT_URL.replace(/\/+$/, '');
    return { rootUrl, clientId: TASKCLUSTER_CLIENT_ID, accessToken: TASKCLUSTER_ACCESS_TOKEN };
  }
  const path = join(resolve(cwd, dataFolder ?? env.HOOKWRIGHT_DATA ?? '.hookwright'), 'root-credentials.json');
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Credentials;
  } catch (error) {
    throw new OperatorError('HW_NO_CREDENTIALS', { path, reason: describeError(error) }, error);
  }
};
