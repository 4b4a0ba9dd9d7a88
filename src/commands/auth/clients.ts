// `hookwright clients`: who may call, and what they may do.
import type { GetClientResponse } from '#client';
import { toIso } from '../../core/clock.ts';
import type { Call, Run } from '../cli/command.ts';
import { momentOf } from '../cli/input/moment.ts';
import { requireId } from '../cli/input/require-id.ts';
import { lookFirst, sayRemoved } from '../cli/look-first.ts';
import { pairs, table } from '../cli/table.ts';
import { changedScopes } from './changed-scopes.ts';

const idOf = (call: Call): string => requireId('CLIENT', call.argument('CLIENT'));

/** Clients that nobody gave an end to live as long as the services that they stand for. */
const DEFAULT_EXPIRY = '1000y';

const list: Run = async (call) => {
  const { auth } = await call.connect();
  const prefix = call.text('PREFIX');
  const clients: GetClientResponse[] = [];
  let continuationToken: string | undefined;
  do {
    const query = {
      ...(prefix !== undefined && { prefix }),
      ...(continuationToken !== undefined && { continuationToken }),
    };
    const page = await auth.listClients(query);
    clients.push(...page.clients);
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
  call.output.answer(clients, (paint) =>
    table(
      ['CLIENT', 'STATE', 'EXPIRES', 'LAST USED', 'DESCRIPTION'],
      clients.map((client) => [
        client.clientId,
        client.disabled ? 'disabled' : 'enabled',
        client.expires,
        client.lastDateUsed,
        client.description,
      ]),
      { paint, empty: 'There are no clients.' },
    ),
  );
  return 0;
};

const answerClient = (call: Call, client: GetClientResponse): number => {
  call.output.answer(client, (paint) =>
    pairs(
      [
        ['client', client.clientId],
        ['state', client.disabled ? 'disabled' : 'enabled'],
        ['description', client.description],
        ['expires', `${client.expires}${client.deleteOnExpiration ? ', and is deleted then' : ''}`],
        ['created', client.created],
        ['changed', client.lastModified],
        ['last used', client.lastDateUsed],
        ['new token', client.lastRotated],
        ...client.scopes.map((scope) => ['scope', scope] as const),
      ],
      paint,
    ),
  );
  return 0;
};

const show: Run = async (call) => answerClient(call, await (await call.connect()).auth.client(idOf(call)));

const create: Run = async (call) => {
  const id = idOf(call);
  const expires = toIso(momentOf(call.text('expires') ?? DEFAULT_EXPIRY, call.clock, { option: 'expires' }));
  const { auth } = await call.connect();
  const answer = await auth.createClient(id, {
    description: call.text('description') ?? '',
    expires,
    scopes: [...new Set(call.list('scope'))],
    deleteOnExpiration: call.has('delete-on-expiration'),
  });
  return answerToken(call, answer, `Made the client ${id}. Below is its access token, which is not shown again.`);
};

const resetToken: Run = async (call) => {
  const id = idOf(call);
  const { auth } = await call.connect();
  const answer = await auth.resetAccessToken(id);
  return answerToken(call, answer, `The client ${id} has a new access token, below; the old one is worth nothing now.`);
};

/** Alone on standard output, for scripts that keep it. */
const answerToken = (call: Call, answer: { readonly accessToken: string }, remark: string): number => {
  call.output.remark(remark);
  call.output.answer(answer, () => answer.accessToken);
  return 0;
};

const update: Run = async (call) => {
  const id = idOf(call);
  const expires = call.text('expires');
  const { auth } = await call.connect();
  const known = await auth.client(id);
  const scopes = changedScopes(call, known.scopes);
  const client = await auth.updateClient(id, {
    description: call.text('description') ?? known.description,
    expires: expires === undefined ? known.expires : toIso(momentOf(expires, call.clock, { option: 'expires' })),
    deleteOnExpiration: call.has('delete-on-expiration') || known.deleteOnExpiration,
    // Left out, they stay as they are, whoever changes them meanwhile.
    ...(scopes !== undefined && { scopes }),
  });
  return answerClient(call, client);
};

const disable: Run = async (call) => answerClient(call, await (await call.connect()).auth.disableClient(idOf(call)));
const enable: Run = async (call) => answerClient(call, await (await call.connect()).auth.enableClient(idOf(call)));

const remove: Run = async (call) => {
  const id = idOf(call);
  const { auth } = await call.connect();
  const before = await lookFirst(() => auth.client(id));
  await auth.deleteClient(id);
  return sayRemoved(call, `client ${id}`, before);
};

export const clients = {
  list,
  show,
  create,
  update,
  disable,
  enable,
  resetToken,
  remove,
} as const satisfies Record<string, Run>;
