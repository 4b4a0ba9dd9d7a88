// What clients do in channels, whatever the age of the protocol, as an action of the community.
import { isObject } from '../../vocabulary/json.ts';
import { communityPostAction } from '../../vocabulary/posts.ts';

const MARKS = new Set(['channel-action', 'channel-action-1', 'channel-action-2']);

/** undefined: no such mark. Not checked: what comes out is to be decoded. */
export const communityAction = (mark: string, json: unknown): unknown => {
  if (!MARKS.has(mark)) return undefined;
  if (!isObject(json) || !isObject(json.channel)) return { channels: json };
  const { action } = json.channel;
  if (!isObject(action) || !('post' in action)) return { channels: json };
  return { channels: { channel: { ...json.channel, action: { post: communityPostAction(action.post) } } } };
};
