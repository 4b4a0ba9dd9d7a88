// The definitions that a hook had, what each changed, and the way back to one of them.
import { toIso } from '../../core/clock.ts';
import { diffLines } from '../../core/diff-lines.ts';
import type { Queryable } from '../../database/database.ts';
import { ApiError } from '../../http/api-error.ts';
import type { ApiHandler, ApiRequest } from '../../http/api-method.ts';
import { readCursor, writeCursor } from '../../ledger/cursor.ts';
import type { HookDefinition, HookName } from '../definition.ts';
import { findVersion, type HookVersion, listVersions } from '../hooks/hook-versions.ts';
import type { HookVersionRecord, RollbackRequest, VERSION_METHODS } from './declaration.ts';

export type VersionSettings = {
  readonly database: Queryable;
  /** Checks the definition and makes it the hook's. */
  readonly rollBack: (
    request: ApiRequest<RollbackRequest>,
    definition: HookDefinition,
    version: number,
  ) => Promise<HookDefinition>;
};

type VersionHandlers = { readonly [Name in (typeof VERSION_METHODS)[number]['name']]: ApiHandler<RollbackRequest> };

const LONGEST_PAGE = 1_000;
/** Lines of at most some hundred characters. */
const LONGEST_DIFF = 200;

export const createVersionMethods = ({ database, rollBack }: VersionSettings): VersionHandlers => ({
  listVersions: async (request) => {
    const { limit = `${LONGEST_PAGE}`, continuationToken } = request.query;
    const before = continuationToken === undefined ? Number.MAX_SAFE_INTEGER : readCursor(continuationToken).seq;
    const most = Math.min(Number(limit), LONGEST_PAGE);
    const found = await listVersions(database, nameIn(request), { before, limit: most + 1 });
    if (found.length === 0 && continuationToken === undefined) {
      throw new ApiError('ResourceNotFound', 'No such hook, and there never was one');
    }
    const versions = found.slice(0, most);
    const last = versions.at(-1);
    return {
      body: {
        versions: versions.map(recordOf),
        ...(found.length > most && last && { continuationToken: writeCursor({ at: last.at, seq: last.version }) }),
      },
    };
  },

  hookVersion: async (request) => {
    const { params, query } = request;
    const { before, after, ...version } = await versionOf(database, nameIn(request), Number(params.version));
    const other = query.against && (await versionOf(database, nameIn(request), Number(query.against))).after;
    const diff = diffLines((query.against ? other : before) ?? {}, after ?? {}, LONGEST_DIFF + 1);
    return {
      body: {
        ...recordOf(version),
        ...(after && { definition: after }),
        diff: diff.slice(0, LONGEST_DIFF),
        ...(diff.length > LONGEST_DIFF && { diffIsCut: true }),
      },
    };
  },

  rollbackHook: async (request) => {
    const { version } = request.payload;
    const { after } = await versionOf(database, nameIn(request), version);
    if (!after) {
      const why = `Version ${version} is the removal of the hook, which has no definition. Name the version before it.`;
      throw new ApiError('InputError', why);
    }
    return { body: await rollBack(request, after, version) };
  },
});

const nameIn = ({ params: { hookGroupId = '', hookId = '' } }: ApiRequest<unknown>): HookName => ({
  hookGroupId,
  hookId,
});

const versionOf = async (database: Queryable, name: HookName, version: number) => {
  const found = await findVersion(database, name, version);
  if (found) return found;
  const { hookGroupId, hookId } = name;
  throw new ApiError(
    'ResourceNotFound',
    `The hook ${hookGroupId}/${hookId} has no version ${version}. listVersions tells which it has.`,
  );
};

const recordOf = ({ at, revision, origin, rolledBackTo, ...version }: HookVersion): HookVersionRecord => ({
  ...version,
  ...(revision !== null && { revision }),
  at: toIso(at),
  ...(origin !== null && { origin }),
  ...(rolledBackTo !== null && { rolledBackTo }),
});
