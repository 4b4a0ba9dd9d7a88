// Posts and replies that members have reported to the admins.
import type { FlagContent } from '../types/group.ts';
import { changed, type GroupAction, type GroupChange, type HostedGroup, refused, union } from './group-change.ts';
import { isMember, mayRead } from './membership.ts';

export const flagContent = (
  hosted: HostedGroup,
  { nest, 'post-key': { post, reply }, src }: FlagContent,
  { actor }: GroupAction,
): GroupChange => {
  const { group, host } = hosted;
  if (actor !== host && (src !== actor || !isMember(group, actor))) {
    return refused('Only members of the group report posts, each in their own name.');
  }
  if (!mayRead(hosted, nest, actor)) return refused(`The group lists no channel ${nest} that you may read.`);
  const flags = group['flagged-content'][nest] ?? {};
  const { flagged, flaggers, replies } = flags[post] ?? { flagged: false, flaggers: [], replies: {} };
  const known = reply === null ? flaggers : (replies[reply] ?? []);
  if (known.includes(src)) return { kind: 'unchanged' };
  const next =
    reply === null
      ? { flagged: true, flaggers: union(flaggers, [src]), replies }
      : { flagged, flaggers, replies: { ...replies, [reply]: union(known, [src]) } };
  return changed(
    { ...group, 'flagged-content': { ...group['flagged-content'], [nest]: { ...flags, [post]: next } } },
    { kind: 'flagged', nest, post, reply },
  );
};
