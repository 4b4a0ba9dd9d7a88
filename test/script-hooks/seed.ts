// Reads the type definitions of the seed (hook-builder-js.txt), so that no type, branch or function
// can be forgotten.

/** A type as the seed writes it. */
export type SeedType =
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'array'; readonly of: SeedType }
  | { readonly is: 'record'; readonly of: SeedType }
  | { readonly is: 'union'; readonly of: readonly SeedType[] }
  | { readonly is: 'object'; readonly fields: Readonly<Record<string, SeedType>> };

/**
 * The seed's definitions as texts by name, and its functions: `get_state`, …, `effects.send_dm`.
 */
export type SeedList = { readonly types: Readonly<Record<string, string>>; readonly functions: readonly string[] };

/** What the seed defines. */
export const listSeed = (text: string): SeedList => {
  const types: Record<string, string> = {};
  const functions: string[] = [];
  for (const [, comment] of text.matchAll(/\/\*\*([\s\S]*?)\*\//g)) {
    const lines = (comment as string).split('\n').map((line) => line.replace(/^\s*\*\s?/, '').trim());
    const definition = /@typedef\s*([\s\S]*?)(?=@description|$)/.exec(lines.join(' '))?.[1]?.trim() ?? '';
    const name = /\S+$/.exec(definition)?.[0] ?? '';
    const braced = definition.slice(0, -name.length).trim().slice(1, -1).trim();
    if (braced.includes('=>')) functions.push(name);
    else types[name] = braced;
  }
  return { types, functions };
};

/**
 * The keys of a union's branches, `string` or `null` for one that is no object; the type's fields
 * if it is no union.
 */
export const branchesOf = (type: SeedType): string[] => {
  if (type.is === 'union') return type.of.flatMap((branch) => branchesOf(branch));
  if (type.is === 'object') return Object.keys(type.fields);
  return [type.is === 'name' ? type.name : type.is];
};

/** A definition of the seed, read. */
export const parseType = (text: string): SeedType => {
  const tokens = text.match(/"[^"]*"|[A-Za-z_][\w-]*|[{}[\]<>|,:]/g) ?? [];
  let at = 0;
  const take = (expected: string): void => {
    if (tokens[at++] !== expected)
      throw new Error(`expected ${expected} before ${tokens.slice(at - 1, at + 5).join(' ')}`);
  };
  const union = (): SeedType => {
    if (tokens[at] === '|') at++;
    const branches = [one()];
    while (tokens[at] === '|') {
      at++;
      branches.push(one());
    }
    return branches.length === 1 ? (branches[0] as SeedType) : { is: 'union', of: branches };
  };
  const one = (): SeedType => {
    let type = single();
    while (tokens[at] === '[') {
      at++;
      take(']');
      type = { is: 'array', of: type };
    }
    return type;
  };
  const single = (): SeedType => {
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
  const object = (): SeedType => {
    const fields: Record<string, SeedType> = {};
    take('{');
    while (tokens[at] !== '}') {
      const key = (tokens[at++] as string).replaceAll('"', '');
      take(':');
      fields[key] = union();
      // The seed forgets some.
      if (tokens[at] === ',') at++;
    }
    take('}');
    return { is: 'object', fields };
  };
  const type = union();
  if (at !== tokens.length) throw new Error(`unread: ${tokens.slice(at).join(' ')}`);
  return type;
};
