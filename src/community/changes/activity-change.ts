// What changes in the activity of ships, beside posts and messages, which change it as they come.
import type { ActivitySource, VolumeMap } from '../types/activity.ts';

export type ActivityChange =
  /** These were told something: what is written down for each at that time, in digits. */
  | { readonly kind: 'told'; readonly events: readonly { readonly owner: string; readonly time: string }[] }
  | {
      readonly kind: 'activity-read';
      readonly owner: string;
      readonly source: ActivitySource;
      /** With all sources below it. */
      readonly isDeep: boolean;
    }
  | { readonly kind: 'activity-removed'; readonly owners: readonly string[]; readonly source: ActivitySource }
  /** What was set; null: everything is as above it again. */
  | {
      readonly kind: 'volume';
      readonly owner: string;
      readonly source: ActivitySource;
      readonly volume: VolumeMap | null;
    }
  | { readonly kind: 'notifications'; readonly owner: string; readonly level: string };
