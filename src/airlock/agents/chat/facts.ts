// What those who watch their conversations are told.
import type { Change } from '../../../community/changes/change.ts';
import type { MessageChange } from '../../../community/changes/conversation-change.ts';
import { chat } from '../../../community/chat/chat.ts';
import type { Database } from '../../../database/database.ts';
import { airlockWritResponse } from '../../vocabulary/messages.ts';
import type { Fact, FactFor, Json, Watcher } from '../agent.ts';
import { olderResponse, oldestResponse } from './older-shapes.ts';

type Version = {
  /** Everything that happens in the conversations of a ship. */
  readonly path: string;
  readonly writMark: string;
  readonly clubMark: string;
  readonly response: (change: MessageChange, seq: number | undefined) => Json;
};

const VERSIONS: readonly Version[] = [
  { path: '/v4', writMark: 'writ-response-4', clubMark: 'chat-club-action-2', response: airlockWritResponse },
  { path: '/v3', writMark: 'writ-response-3', clubMark: 'chat-club-action-1', response: airlockWritResponse },
  { path: '/v2', writMark: 'writ-response-2', clubMark: 'chat-club-action-1', response: olderResponse },
  { path: '/v1', writMark: 'writ-response-1', clubMark: 'chat-club-action-1', response: olderResponse },
  { path: '', writMark: 'writ-response', clubMark: 'chat-club-action', response: oldestResponse },
];
const ALL = VERSIONS.map(({ path }) => path || '/');

export const createChatFacts =
  (database: Database) =>
  async (changes: readonly Change[], watchers: readonly Watcher[]): Promise<readonly FactFor[]> => {
    const watching = Map.groupBy(watchers, ({ ship }) => ship);
    const invited = await readInvited(database, changes, watching);
    const to = (ship: string, paths: readonly string[], fact: () => Fact): readonly FactFor[] => {
      const told = (watching.get(ship) ?? []).filter(({ path }) => paths.includes(path));
      if (told.length === 0) return [];
      const once = fact();
      return told.map((watcher) => ({ watcher, fact: once }));
    };
    return changes.flatMap((change) => {
      switch (change.kind) {
        case 'message':
          return change.copies
            .filter(({ owner }) => watching.has(owner))
            .flatMap(({ owner, whom, seq }) =>
              VERSIONS.flatMap(({ path, writMark: mark, response }) =>
                to(owner, [path || '/', ...pathsOf(path, whom)], () => ({
                  mark,
                  json: { whom, id: change.id, response: response(change, seq) },
                })),
              ),
            );
        case 'club':
          return change.owners
            .filter((owner) => watching.has(owner))
            .flatMap((owner) =>
              VERSIONS.flatMap(({ path, clubMark: mark }) =>
                to(owner, [path || '/', `${path}/clubs`], () => ({ mark, json: clubAction(change) })),
              ),
            );
        case 'dm-invitations':
          return change.owners.flatMap((owner) =>
            to(owner, [...ALL, '/dm/invited'], () => ({ mark: 'ships', json: invited.get(owner) ?? [] })),
          );
        case 'block':
          return to(change.ship, ALL, () =>
            change.isBlocked
              ? { mark: 'chat-blocked-by', json: { 'blocked-by': change.owner } }
              : { mark: 'chat-unblocked-by', json: { 'unblocked-by': change.owner } },
          );
        case 'hidden-message':
          return to(change.owner, ALL, () => ({
            mark: 'chat-toggle-message',
            json: change.isHidden ? { hide: change.id } : { show: change.id },
          }));
        default:
          return [];
      }
    });
  };

const readInvited = (
  database: Database,
  changes: readonly Change[],
  watching: ReadonlyMap<string, readonly Watcher[]>,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const owners = changes.flatMap((change) => (change.kind === 'dm-invitations' ? change.owners : []));
  const watched = [...new Set(owners)].filter((owner) => watching.has(owner));
  return watched.length === 0 ? Promise.resolve(new Map()) : chat.readInvited(database, watched);
};

/** `@tloncorp/api` waits for a new title beside the delta. */
const clubAction = ({ id, delta }: Change & { kind: 'club' }): Json => ({
  id,
  diff: { uid: '0v0', delta, ...('meta' in delta && delta) },
});

/** Of one conversation. */
const pathsOf = (version: string, whom: string): readonly string[] => {
  const place = `${version}${whom.startsWith('~') ? '/dm' : '/club'}/${whom}`;
  return [place, `${place}/writs`];
};
