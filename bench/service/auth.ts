// Measures who signed a request and what they may do: verification with the expansion of scopes, in
// this process, on a thousand roles.
//   npm run bench -- --only auth     takes it alone
import { createHmac } from 'node:crypto';
import { compileRoles } from '../../src/auth/roles/role-expansion.ts';
import { satisfies } from '../../src/auth/scopes.ts';
import { createAuthenticator, type KnownClient } from '../../src/auth/signatures/authenticator.ts';
import { createReplays } from '../../src/auth/signatures/replays.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { SignedRequest } from '../../src/http/api-method.ts';
import { figure, type Measure, type Row } from '../harness/measure.ts';

export const auth: Measure = {
  name: 'auth',
  about: 'signatures with expansion of scopes over a thousand roles, in process',
  take: async ({ rounds, say }) => {
    const rows: Row[] = [];
    for (const [name, kind] of Object.entries(KINDS)) {
      say(`auth: ${name}`);
      const taken: number[] = [];
      await takeRound(kind); // warms up
      for (let round = 0; round < rounds; round++) taken.push(await takeRound(kind));
      const bar = kind.bar === undefined ? {} : { bar: { of: 'value', atMost: kind.bar } as const };
      rows.push(figure(name, 'ms CPU a request', taken, bar));
    }
    return rows;
  },
};

const ROLES = 1_000;
const REQUESTS = 4_000;
const HOUR_MS = 60 * 60 * 1000;
const HOST = 'hooks.example.com';
const PATH = '/api/hooks/v1/hooks/garbage/nightly%2Frebuild/trigger';
const NEEDED = 'hooks:trigger-hook:garbage/nightly/rebuild';

/**
 * As installations have them: a role for each hook and repository, some for all of a kind, and a
 * few that lead to others.
 */
const roleSet = (revision: number) =>
  compileRoles([
    ...Array.from({ length: ROLES - 20 }, (_, index) => ({
      roleId:
        index % 2 === 0 ? `hook-id:group-${index % 37}/hook-${index}` : `repo:git.example.com/org/repo-${index}:*`,
      scopes: [
        `queue:create-task:low:group-${index % 37}/*`,
        `queue:route:index.${index}.<..>`,
        `secrets:get:${index}`,
      ],
    })),
    ...Array.from({ length: 18 }, (_, index) => ({
      roleId: `team:${index}`,
      scopes: [`assume:hook-id:group-${index}/*`, `hooks:trigger-hook:group-${index}/*`, `assume:team-base:${index}`],
    })),
    { roleId: 'team-base:*', scopes: ['hooks:trigger-hook:garbage/<..>', 'hooks:trigger-hook:garbage/nightly/*'] },
    { roleId: 'anonymous', scopes: ['auth:current-scopes', `revision:${revision}`] },
  ]);

const client: KnownClient = {
  clientId: 'team/3/ci',
  accessToken: 'k'.repeat(44),
  scopes: ['assume:team:3', 'assume:team:4', 'queue:scheduler-id:*', 'auth:create-client:team/3/ci/*'],
  expires: systemClock.now() + 24 * HOUR_MS,
  disabled: false,
  lastDateUsed: systemClock.now(),
};

type Kind = {
  readonly signAs: (index: number) => { readonly id: string; readonly key: string; readonly ext: string };
  /** ms CPU. Absent: for information. */
  readonly bar?: number;
  /**
   * The role set is another one for each so many requests: nothing that was expanded before is
   * known.
   */
  readonly changesEvery?: number;
};

const encode = (ext: object): string => Buffer.from(JSON.stringify(ext)).toString('base64');
const hmac = (key: string, text: string) => createHmac('sha256', key).update(text);

/** Temporary credentials with a seed of their own, as each task has them. */
const temporary = (index: number) => {
  const seed = String(index).padStart(44, '0');
  const [start, expiry] = [systemClock.now() - HOUR_MS, systemClock.now() + HOUR_MS];
  const [id, issuer] = [`team/3/ci/${index}`, client.clientId];
  const scopes = ['assume:team:3', 'queue:scheduler-id:x'];
  const head = ['version:1', `clientId:${id}`, `issuer:${issuer}`, `seed:${seed}`, `start:${start}`];
  const text = [...head, `expiry:${expiry}`, 'scopes:', ...scopes].join('\n');
  const signature = hmac(client.accessToken, text).digest('base64');
  const certificate = { version: 1, scopes, start, expiry, seed, issuer, signature };
  return { id, key: hmac(client.accessToken, seed).digest('base64url'), ext: encode({ certificate }) };
};

const own = { id: client.clientId, key: client.accessToken };

const KINDS: Readonly<Record<string, Kind>> = {
  'signature of a client': { signAs: () => ({ ...own, ext: '' }), bar: 0.1 },
  'signature with restricted scopes': {
    signAs: (index) => ({
      ...own,
      ext: encode({ authorizedScopes: [NEEDED, `secrets:get:${40 + 74 * (index % 9)}`] }),
    }),
    bar: 0.1,
  },
  'signature of named temporary credentials': { signAs: temporary, bar: 0.1 },
  'signature, a role changes every hundred requests': {
    signAs: () => ({ ...own, ext: '' }),
    changesEvery: 100,
  },
};

const sign = (kind: Kind, round: number, index: number): SignedRequest => {
  const { id, key, ext } = kind.signAs(index);
  const ts = Math.floor(systemClock.now() / 1000);
  const nonce = `${round}${index.toString(36).padStart(5, '0')}`;
  const mac = hmac(key, `hawk.1.header\n${ts}\n${nonce}\nPOST\n${PATH}\n${HOST}\n443\n\n${ext}\n`).digest('base64');
  const authorization = `Hawk id="${id}", ts="${ts}", nonce="${nonce}", ${ext && `ext="${ext}", `}mac="${mac}"`;
  const contentType = 'application/json';
  return { method: 'POST', url: PATH, host: `${HOST}:443`, authorization, contentType, body: Buffer.from('{}') };
};

let rounds = 0;

/**
 * CPU of this process, all its threads, in milliseconds for one request: verified, expanded, and
 * asked for what a trigger needs.
 */
const takeRound = async (kind: Kind): Promise<number> => {
  rounds += 1;
  const requests = Array.from({ length: REQUESTS }, (_, index) => sign(kind, rounds, index));
  let roles = roleSet(rounds);
  const { authenticate } = createAuthenticator({
    clock: systemClock,
    rootUrl: undefined,
    findClient: (clientId) => (clientId === client.clientId ? client : undefined),
    roles: () => roles,
    replays: createReplays(systemClock),
  });
  const before = process.cpuUsage();
  for (const [index, request] of requests.entries()) {
    if (kind.changesEvery !== undefined && index % kind.changesEvery === 0) roles = roleSet(index);
    const caller = await authenticate(request);
    if (!satisfies(caller, NEEDED)) throw new Error('a caller lacks the scope that its roles grant');
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / REQUESTS;
};
