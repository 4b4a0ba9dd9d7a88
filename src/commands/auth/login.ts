// `hookwright login`, `logout` and `whoami`: credentials that are kept for later commands.
import { resolve } from 'node:path';
import { ApiCallError, type Auth } from '#client';
import { OperatorError } from '../../core/errors.ts';
import { connectWith, trimmed } from '../calls/api-connection.ts';
import { loginsFile, readLogins, type StoredCredentials, writeLogins } from '../calls/stored-logins.ts';
import type { Call, Run } from '../cli/command.ts';
import { readSecret } from '../cli/input/read-secret.ts';
import { pairs } from '../cli/table.ts';

/** Asks the server before it keeps anything: what does not work is not kept. */
export const login: Run = async (call) => {
  const given = await readCredentials(call);
  const url = call.text('URL') ?? given.rootUrl;
  const clientId = call.text('client-id') ?? given.clientId;
  if (url === undefined) throw wrong('No server is named', 'Give its URL: hookwright login https://hooks.example.com');
  if (clientId === undefined) throw wrong('No client is named', 'Give --client-id ID');
  const { accessToken, certificate } = given;
  const credentials: StoredCredentials = { clientId, accessToken, ...(certificate !== undefined && { certificate }) };
  const { auth, rootUrl } = connectWith({ rootUrl: url, credentials, source: 'what was typed' });
  const scopes = await scopesOf(auth);
  const { logins } = await readLogins(call.env);
  await writeLogins(call.env, { current: rootUrl, logins: { ...logins, [rootUrl]: credentials } });
  call.output.answer({ rootUrl, clientId, scopes }, () => `Logged in at ${rootUrl} as ${clientId}.`);
  call.output.remark(`The credentials are in ${loginsFile(call.env)}, which only you can read.`);
  return 0;
};

/**
 * undefined: the credentials are good, and may not ask what they may do (`auth:current-scopes`).
 */
const scopesOf = async (auth: Auth): Promise<string[] | undefined> => {
  try {
    return (await auth.currentScopes()).scopes;
  } catch (error) {
    // Who is not allowed something is known: wrong credentials are refused in another way.
    if (error instanceof ApiCallError && error.code === 'InsufficientScopes') return undefined;
    throw error;
  }
};

const wrong = (problem: string, cure: string) => new OperatorError('HW_BAD_OPTION', { problem, cure });

type Given = {
  readonly rootUrl?: string;
  readonly clientId?: string;
  readonly accessToken: string;
  readonly certificate?: string;
};

/**
 * Typed, or on standard input: the token alone, or credentials as JSON, such as a
 * root-credentials.json.
 */
const readCredentials = async (call: Call): Promise<Given> => {
  const text = (await readSecret('Access token: ', call)).trim();
  if (text === '') throw wrong('No access token was given', 'Type it when asked, or hand it over on standard input');
  if (!text.startsWith('{')) return { accessToken: text };
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // The parser's own message would show a piece of the text.
    throw wrong(
      'What came on standard input is neither a token nor JSON',
      'Give the token alone, or credentials as JSON',
    );
  }
  const { rootUrl, clientId, accessToken, certificate } = parsed;
  if (typeof accessToken !== 'string' || accessToken === '')
    throw wrong('There is no accessToken in it', 'Give credentials as JSON');
  return {
    accessToken,
    ...(typeof rootUrl === 'string' && { rootUrl }),
    ...(typeof clientId === 'string' && { clientId }),
    ...(typeof certificate === 'string' && { certificate }),
    ...(typeof certificate === 'object' && certificate !== null && { certificate: JSON.stringify(certificate) }),
  };
};

export const logout: Run = async (call) => {
  const { current, logins } = await readLogins(call.env);
  const url = trimmed(call.text('URL') ?? current ?? '');
  const { [url]: gone, ...kept } = logins;
  if (gone === undefined) {
    call.output.answer({ loggedOut: null }, () =>
      url === '' ? 'You are not logged in.' : `You are not logged in at ${url}.`,
    );
    return 0;
  }
  const next = current === url ? Object.keys(kept).at(-1) : current;
  await writeLogins(call.env, { current: next, logins: kept });
  call.output.answer(
    { loggedOut: url },
    () => `Logged out at ${url}. The credentials of ${gone.clientId} are not kept any more.`,
  );
  return 0;
};

export const whoami: Run = async (call) => {
  const { auth, rootUrl, clientId, source } = await call.connect();
  const scopes = await scopesOf(auth);
  if (!scopes)
    call.output.remark('The credentials are good. What they may do is not told without the scope auth:current-scopes.');
  call.output.answer({ rootUrl, clientId, source, scopes }, (paint) =>
    pairs(
      [
        ['client', clientId],
        ['server', rootUrl],
        ['from', source.startsWith('/') ? resolve(call.cwd, source) : source],
        ...(scopes ?? []).map((scope) => ['scope', scope] as const),
      ],
      paint,
    ),
  );
  return 0;
};
