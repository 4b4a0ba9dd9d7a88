// What runs on a channel, for those who may read it.
import type { Queryable } from '../../../database/database.ts';
import { readableChannel } from '../channels/readable-channel.ts';
import type { HooksPort } from './hooks-port.ts';

/** undefined: there is no such channel, or none that the ship may read. */
export type HooksPreview = (nest: string, ship: string) => Promise<readonly object[] | undefined>;

export const createHooksPreview =
  (on: Queryable, { preview }: Pick<HooksPort, 'preview'>): HooksPreview =>
  async (nest, ship) =>
    (await readableChannel(on, nest, ship)) && preview(nest);
