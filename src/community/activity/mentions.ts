// Whether a text mentions a ship. The database finds mentions in posts by the same rule.
import type { Story } from '../types/story.ts';

/** Quotes in a text are escaped in JSON, so that only the mention itself looks like this. */
export const mentionsIn = (content: Story): ((ship: string) => boolean) => {
  const json = JSON.stringify(content);
  return (ship) => json.includes(`"ship":"${ship}"`);
};
