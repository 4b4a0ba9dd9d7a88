// What those who watch their conversations are told.
import type { Change } from '../../../community/changes/change.ts';
import type { MessageChange } from '../../../community/changes/conversation-change.ts';
import { chat } from '../../../community/chat/chat.ts';
import type { Database } from '../../../database/database.ts';
import { airlockWritResponse } from '../../vocabulary/messages.ts';
import type { Fact, FactFor, Watcher } from '../agent.ts';

/** Everything that happens in the conversations of a ship. */
const ALL = '/v4';

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
          return change.copies.flatMap(({ owner, whom, seq }) =>
            to(owner, [ALL, ...pathsOf(whom)], () => writFact(change, whom, seq)),
          );
        case 'club':
          return change.owners.flatMap((owner) =>
            to(owner, [ALL, '/v4/clubs', '/clubs'], () => ({
              mark: 'chat-club-action-2',
              // `@tloncorp/api` waits for a new title beside the delta.
              json: {
                id: change.id,
                diff: { uid: '0v0', delta: change.delta, ...('meta' in change.delta && change.delta) },
              },
            })),
          );
        case 'dm-invitations':
          return change.owners.flatMap((owner) =>
            to(owner, [ALL, '/dm/invited'], () => ({ mark: 'ships', json: invited.get(owner) ?? [] })),
          );
        case 'block':
          return to(change.ship, [ALL], () =>
            change.isBlocked
              ? { mark: 'chat-blocked-by', json: { 'blocked-by': change.owner } }
              : { mark: 'chat-unblocked-by', json: { 'unblocked-by': change.owner } },
          );
        case 'hidden-message':
          return to(change.owner, [ALL], () => ({
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

const writFact = (change: MessageChange, whom: string, seq: number | undefined): Fact => ({
  mark: 'writ-response-4',
  json: { whom, id: change.id, response: airlockWritResponse(change, seq) },
});

/** Of one conversation. */
const pathsOf = (whom: string): readonly string[] => {
  const place = `${whom.startsWith('~') ? '/dm' : '/club'}/${whom}`;
  return [`${ALL}${place}`, `${ALL}${place}/writs`];
};
