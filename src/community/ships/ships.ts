// The ships of the server: its users, each with a login code, and the host among them.
import { toIso } from '../../core/clock.ts';
import { type SecretBox, secretsAreEqual } from '../../core/secret-box.ts';
import type { Base } from '../../database/base.ts';
import type { Queryable } from '../../database/database.ts';
import { statement } from '../../database/statement.ts';
import { newLoginCode, readLoginCode } from './login-code.ts';

export type ShipWithCode = { readonly ship: string; readonly code: string };

export type Ships = {
  /** `~zod`: who hosts the channels that have hooks. */
  readonly host: string;
  /** Makes the host, if it is not there yet. To be called at the start. */
  readonly addHost: () => Promise<void>;
  /** undefined: it is there already. */
  readonly add: (ship: string) => Promise<ShipWithCode | undefined>;
  /** At most `limit`, in the order of their names, from the first one after `after`. */
  readonly list: (page: { readonly after: string; readonly limit: number }) => Promise<readonly ShipWithCode[]>;
  /** A new code; the old one opens nothing any more. undefined: there is no such ship. */
  readonly resetCode: (ship: string) => Promise<ShipWithCode | undefined>;
  readonly isKnown: (tx: Queryable, ship: string) => Promise<boolean>;
  /**
   * The ship that this code opens; `ship`: only that one. undefined: none.
   * @example await ships.shipOfCode('~zod', 'lidlut-tabwed-pillex-ridrup')
   */
  readonly shipOfCode: (ship: string | undefined, code: string) => Promise<string | undefined>;
};

export type ShipsSettings = Base & {
  readonly secretBox: SecretBox;
  /** The host, `~zod`. */
  readonly ship: string;
};

/** Told the name of a ship when those who are logged in as it may have to do so again. */
export const SESSIONS_CHANNEL = 'ship_sessions';

const DIGEST_CONTEXT = 'ships';
const contextOf = (ship: string): string => `ships:${ship}`;

type CodeRow = { readonly ship: string; readonly login_code: Buffer };

const findKnown = statement<{ ship: string }>('ships.known', 'select ship from ships where ship = any($1)');
const listShips = statement<CodeRow>(
  'ships.list',
  'select ship, login_code from ships where ship > $1 order by ship limit $2',
);
const findByDigest = statement<CodeRow>('ships.of-code', 'select ship, login_code from ships where code_digest = $1');
const insertShip = statement<{ ship: string }>(
  'ships.insert',
  `insert into ships (ship, login_code, code_digest, created) values ($1, $2, $3, $4)
   on conflict (ship) do nothing returning ship`,
);
const updateCode = statement<{ ship: string }>(
  'ships.reset-code',
  `with reset as (update ships set login_code = $2, code_digest = $3 where ship = $1 returning ship)
   select ship, pg_notify('${SESSIONS_CHANNEL}', ship) from reset`,
);

export const unknownShips = async (tx: Queryable, ships: readonly string[]): Promise<readonly string[]> => {
  const known = new Set((await tx.query(findKnown, [ships])).map(({ ship }) => ship));
  return ships.filter((ship) => !known.has(ship));
};

export const whyNoShip = (ship: string): string => `There is no ship ${ship} here.`;

export const createShips = ({ database, clock, secretBox, ship: host }: ShipsSettings): Ships => {
  const sealed = (ship: string, code: string) => [
    secretBox.seal(code, contextOf(ship)),
    secretBox.digest(code, DIGEST_CONTEXT),
  ];
  const opened = ({ ship, login_code }: CodeRow): ShipWithCode => ({
    ship,
    code: secretBox.open(login_code, contextOf(ship)),
  });

  const add: Ships['add'] = async (ship) => {
    const code = newLoginCode();
    const [row] = await database.query(insertShip, [ship, ...sealed(ship, code), toIso(clock.now())]);
    return row && { ship, code };
  };

  return {
    host,
    add,
    addHost: async () => void (await add(host)),
    list: async ({ after, limit }) => (await database.query(listShips, [after, limit])).map(opened),
    resetCode: async (ship) => {
      const code = newLoginCode();
      const [row] = await database.query(updateCode, [ship, ...sealed(ship, code)]);
      return row && { ship, code };
    },
    isKnown: async (tx, ship) => (await unknownShips(tx, [ship])).length === 0,
    shipOfCode: async (wanted, text) => {
      const code = readLoginCode(text);
      if (code === undefined) return undefined;
      const [row] = await database.query(findByDigest, [secretBox.digest(code, DIGEST_CONTEXT)]);
      if (row === undefined || !secretsAreEqual(opened(row).code, code)) return undefined;
      return wanted === undefined || wanted === row.ship ? row.ship : undefined;
    },
  };
};
