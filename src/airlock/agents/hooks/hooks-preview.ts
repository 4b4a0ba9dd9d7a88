// What runs on a channel, for those who may read it.
import { createPlaceReads } from '../../../community/api/place-reads.ts';
import type { Queryable } from '../../../database/database.ts';
import { ApiError } from '../../../http/api-error.ts';
import type { HooksPort } from './hooks-port.ts';

/** undefined: there is no such channel, or none that the ship may read. */
export type HooksPreview = (nest: string, ship: string) => Promise<readonly object[] | undefined>;

export const createHooksPreview = (on: Queryable, { preview }: Pick<HooksPort, 'preview'>): HooksPreview => {
  const places = createPlaceReads(on);
  return async (nest, ship) => {
    try {
      await places.channel(ship, nest);
    } catch (error) {
      if (error instanceof ApiError && error.code === 'ResourceNotFound') return undefined;
      throw error;
    }
    return preview(nest);
  };
};
