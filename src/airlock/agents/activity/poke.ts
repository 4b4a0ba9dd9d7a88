// What clients do with their activity: all marks ask for the same, newer ones for more kinds.
import { readGroupInvitations } from '../../../community/activity/feed.ts';
import type { Database } from '../../../database/database.ts';
import { isObject } from '../../vocabulary/json.ts';
import type { ActAs } from '../acting.ts';
import { DONE, type Json, type PokeResult } from '../agent.ts';

const MARKS = new Set(['activity-action', 'activity-action-1', 'activity-action-2']);

export const createActivityPoke = (database: Database, actAs: ActAs) => {
  const readInvitations = async (ship: string): Promise<PokeResult> => {
    for (const event of await readGroupInvitations(database, ship)) {
      const source = { group: event['group-invite'].group };
      const result = await actAs({ activity: { read: { source, action: { event } } } }, ship);
      if (result.kind === 'refused') return result;
    }
    return DONE;
  };

  return async (mark: string, json: Json, ship: string): Promise<PokeResult | undefined> => {
    if (!MARKS.has(mark)) return undefined;
    if (isObject(json) && 'clear-group-invites' in json) return readInvitations(ship);
    return actAs({ activity: json }, ship);
  };
};
