// What is new for a ship, source by source, as clients know it when they start.
import { readSummary } from '../../../community/activity/summary.ts';
import type { Queryable } from '../../../database/database.ts';
import { type AirlockActivity, airlockActivity } from '../../vocabulary/activity.ts';

export const activityInit = async (on: Queryable, ship: string): Promise<AirlockActivity> =>
  airlockActivity(await readSummary(on, ship));
