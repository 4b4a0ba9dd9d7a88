// A cache of the compiled role set, good for as long as the database tells us of every change to
// it.
import { compileRoles, type RoleExpansion } from './role-expansion.ts';
import type { RoleDefinition } from './role-index.ts';

export type RoleCache = {
  /** At once when it is known to be current. */
  readonly current: () => RoleExpansion | Promise<RoleExpansion>;
  /** The set has become this revision; without one, something else than we know. */
  readonly changed: (revision?: number) => void;
  /** While false every `current` asks the database which revision there is. */
  readonly trust: (trusted: boolean) => void;
};

type Source = {
  readonly revision: () => Promise<number>;
  readonly list: () => Promise<readonly RoleDefinition[]>;
};

type Compiled = { readonly revision: number; readonly expansion: RoleExpansion };

export const createRoleCache = ({ revision, list }: Source): RoleCache => {
  let compiled: Compiled | undefined;
  let isCurrent = false;
  let trusted = true;
  let loading: Promise<RoleExpansion> | undefined;

  const read = async (): Promise<Compiled> => {
    // The revision first: should the set change in between, it is filed under the older one, and
    // read again next time.
    const latest = await revision();
    const known = compiled;
    return known?.revision === latest ? known : { revision: latest, expansion: compileRoles(await list()) };
  };

  const loadShared = (): Promise<RoleExpansion> => {
    const started: Promise<RoleExpansion> = read()
      .then((latest) => {
        // Only if nothing changed meanwhile: what was read may be from before the change.
        if (loading === started) {
          compiled = latest;
          isCurrent = true;
        }
        return latest.expansion;
      })
      .finally(() => {
        if (loading === started) loading = undefined;
      });
    loading = started;
    return started;
  };

  const readThrough = async (): Promise<RoleExpansion> => {
    const latest = await read();
    if (!trusted) compiled = latest; // whoever trusts again compares revisions before using it
    return latest.expansion;
  };

  const outdate = () => {
    isCurrent = false;
    loading = undefined; // who asks from now on must not get what was read before
  };

  return {
    current: () => {
      if (!trusted) return readThrough();
      return isCurrent && compiled ? compiled.expansion : (loading ?? loadShared());
    },
    changed: (latest) => {
      // Our own changes are announced to us as well.
      if (latest === undefined || latest !== compiled?.revision || !isCurrent) outdate();
    },
    trust: (now) => {
      trusted = now;
      outdate();
    },
  };
};
