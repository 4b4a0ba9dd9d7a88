// Whether a text mentions a ship. The database finds mentions in posts by the same rule.
import type { Story } from '../types/story.ts';

/** Quotes in a text are escaped in JSON, so that only the mention itself looks like this. */
export const mentions = (content: Story, ship: string): boolean => JSON.stringify(content).includes(`"ship":"${ship}"`);
