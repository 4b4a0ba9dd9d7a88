// Reads script-types.json, the definitions that authors of scripts for hook-builder-js were
// given, so that no type, branch or function can be forgotten.

/** A type as it is listed. */
export type ListedType =
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'array'; readonly of: ListedType }
  | { readonly is: 'record'; readonly of: ListedType }
  | { readonly is: 'union'; readonly of: readonly ListedType[] }
  | { readonly is: 'object'; readonly fields: Readonly<Record<string, ListedType>> };

/**
 * Definitions as texts by name, and functions: `get_state`, …, `effects.send_dm`.
 */
export type TypeList = { readonly types: Readonly<Record<string, string>>; readonly functions: readonly string[] };

/**
 * The keys of a union's branches, `string` or `null` for one that is no object; the type's fields
 * if it is no union.
 */
export const branchesOf = (type: ListedType): string[] => {
  if (type.is === 'union') return type.of.flatMap((branch) => branchesOf(branch));
  if (type.is === 'object') return Object.keys(type.fields);
  return [type.is === 'name' ? type.name : type.is];
};

/** A definition, read. */
export const parseType = (text: string): ListedType => {
  const tokens = text.match(/"[^"]*"|[A-Za-z_][\w-]*|[{}[\]<>|,:]/g) ?? [];
  let at = 0;
  const take = (expected: string): void => {
    if (tokens[at++] !== expected)
      throw new Error(`expected ${expected} before ${tokens.slice(at - 1, at + 5).join(' ')}`);
  };
  const union = (): ListedType => {
    if (tokens[at] === '|') at++;
    const branches = [one()];
    while (tokens[at] === '|') {
      at++;
      branches.push(one());
    }
    return branches.length === 1 ? (branches[0] as ListedType) : { is: 'union', of: branches };
  };
  const one = (): ListedType => {
    let type = single();
    while (tokens[at] === '[') {
      at++;
      take(']');
      type = { is: 'array', of: type };
    }
    return type;
  };
  const single = (): ListedType => {
    if (tokens[at] === '{') return object();
    const name = tokens[at++] as string;
    if (name !== 'Record') return { is: 'name', name: name === 'strin' ? 'string' : name };
    take('<');
    union();
    take(',');
    const of = union();
    take('>');
    return { is: 'record', of };
  };
  const object = (): ListedType => {
    const fields: Record<string, ListedType> = {};
    take('{');
    while (tokens[at] !== '}') {
      const key = (tokens[at++] as string).replaceAll('"', '');
      take(':');
      fields[key] = union();
      // Some are forgotten.
      if (tokens[at] === ',') at++;
    }
    take('}');
    return { is: 'object', fields };
  };
  const type = union();
  if (at !== tokens.length) throw new Error(`unread: ${tokens.slice(at).join(' ')}`);
  return type;
};
