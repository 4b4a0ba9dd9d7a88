// `hookwright ships`: the users of the community, and what they log in with.
import type { ShipResponse } from '#client';
import type { Call, Run } from '../cli/command.ts';
import { table } from '../cli/table.ts';
import { shipOf } from './ship-name.ts';

const list: Run = async (call) => {
  const { community } = await call.connect();
  const ships: ShipResponse[] = [];
  let continuationToken: string | undefined;
  do {
    const page = await community.listShips(continuationToken === undefined ? {} : { continuationToken });
    ships.push(...page.ships);
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
  call.output.answer(ships, (paint) =>
    table(
      ['SHIP', 'LOGIN CODE'],
      ships.map(({ ship, code }) => [ship, code]),
      { paint, empty: 'There are no ships.' },
    ),
  );
  return 0;
};

const add: Run = async (call) => {
  const { community } = await call.connect();
  const added = await community.addShip(shipOf(call));
  return answerCode(call, added, `Made the ship ${added.ship}. Below is its login code.`);
};

const resetCode: Run = async (call) => {
  const { community } = await call.connect();
  const reset = await community.resetCode(shipOf(call));
  return answerCode(call, reset, `The ship ${reset.ship} has a new login code, below; the old one opens nothing now.`);
};

/** Alone on standard output, for scripts that keep it. In JSON it looks as in the list. */
const answerCode = (call: Call, ship: ShipResponse, remark: string): number => {
  call.output.remark(remark);
  call.output.answer([ship], () => ship.code);
  return 0;
};

export const ships = { list, add, resetCode };
