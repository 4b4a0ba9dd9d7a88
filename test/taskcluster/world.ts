// A deployment with a hooks server in it: the stand-in, and `hookwright serve --mode taskcluster`
// as a process behind it.
import { join } from 'node:path';
import { type Clients, type Credentials, clientsOf, ECHO_SCOPES, echoHook, taskcluster } from '../support/client.ts';
import { type Cleanup, freshDatabaseUrl } from '../support/database.ts';
import { type StandInDeployment, startDeployment } from '../support/deployment.ts';
import { newDataFolder, type Program, readJson, runProgram, type ServerFile } from '../support/server.ts';
import { eventually, lastFirst } from '../support/wait.ts';

export const HOUR = 3_600_000;
/** The client of the deployment that the server is. */
export const SERVER = 'hooks/server';
/** The client of the deployment that people are, in these tests. */
export const PERSON = 'person';
export const TOKENS = { [SERVER]: `${'s'.repeat(40)}-SERV`, [PERSON]: `${'p'.repeat(40)}-PERS` } as const;
export const PERSON_CREDENTIALS = { clientId: PERSON, accessToken: TOKENS[PERSON] };

export type World = {
  readonly deployment: StandInDeployment;
  /** Clients of the deployment's root URL, behind which the hooks server answers for /api/hooks. */
  readonly person: Clients;
  /** Starts a server on the same database, and has the deployment pass requests on to it. */
  readonly start: (more?: NodeJS.ProcessEnv) => Promise<Program & { readonly url: string }>;
  /** A hook whose role may do what its task needs, unless other scopes are given. */
  readonly makeHook: (group: string, id: string, more?: object, scopes?: readonly string[]) => Promise<void>;
  readonly temporary: (scopes: readonly string[], options?: object) => Credentials;
};

export const createWorld = async (t: Cleanup): Promise<World> => {
  const cleanup = lastFirst(t);
  const deployment = await startDeployment(cleanup);
  deployment.clients.set(SERVER, {
    accessToken: TOKENS[SERVER],
    scopes: ['assume:hook-id:*', 'notify:email:*', 'queue:get-task:*', 'queue:status:*'],
  });
  deployment.clients.set(PERSON, {
    accessToken: TOKENS[PERSON],
    scopes: ['hooks:*', 'assume:hook-id:*', 'queue:get-task:*', 'auth:create-client:person/*'],
  });
  const DATABASE_URL = await freshDatabaseUrl(cleanup);
  const dataFolder = await newDataFolder(cleanup);

  const start: World['start'] = async (more = {}) => {
    const program = runProgram(cleanup, ['serve', '--port', '0', '--data', dataFolder], {
      env: { DATABASE_URL, ...deployment.environment(SERVER), ...more },
    });
    const { url } = await eventually('the server is ready', async () => {
      const state = await readJson<ServerFile>(join(dataFolder, 'server.json'));
      if (state?.pid === program.pid) return state;
      if (program.process.exitCode !== null) throw new Error(`it did not become ready. It said:\n${program.said()}`);
      return undefined;
    });
    deployment.hooksUrl = url;
    return { ...program, url };
  };

  const person = clientsOf(deployment.rootUrl, PERSON_CREDENTIALS);
  return {
    ...{ deployment, person, start },
    makeHook: async (group, id, more = {}, scopes = ECHO_SCOPES) => {
      deployment.roles.set(`hook-id:${group}/${id}`, scopes);
      await person.hooks.createHook(group, id, echoHook(more));
    },
    temporary: (scopes, options = {}) =>
      taskcluster.createTemporaryCredentials({
        ...{ start: new Date(Date.now() - HOUR), expiry: new Date(Date.now() + HOUR) },
        ...{ credentials: PERSON_CREDENTIALS, scopes },
        ...options,
      }),
  };
};

export type Refused = Error & { readonly code: string; readonly statusCode: number };

export const refusal = async (call: Promise<unknown>): Promise<Refused> => {
  const answer = await call.then(
    (value) => ({ value }),
    (error: Refused) => error,
  );
  if (answer instanceof Error) return answer;
  throw new Error(`it was answered: ${JSON.stringify(answer.value)}`);
};
