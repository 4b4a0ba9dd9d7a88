// Text in a path: letters a-z, digits and `-` stand for themselves, `.` for a space, and whatever
// else there is for itself after a `~`.

/** A segment that is no such text is read as it stands. */
export const decodeKnot = (segment: string): string => {
  if (!segment.startsWith('~~')) return segment;
  const text = segment.slice(2);
  if (!/^([^~.]|\.|~[~.]|~[0-9a-f]{1,6}\.)*$/.test(text)) return segment;
  return text.replace(/\.|~([~.])|~([0-9a-f]+)\./g, (_, mark?: string, code?: string) => {
    if (mark !== undefined) return mark;
    if (code === undefined) return ' ';
    const point = Number.parseInt(code, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : '';
  });
};
