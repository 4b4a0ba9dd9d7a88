// What a ship has pinned: groups, channels and conversations, in its order.
import { type Static, Type } from 'typebox';
import { decoder } from '../../../community/schema/decode.ts';
import { ClubId, Flag, Nest, Ship } from '../../../community/schema/scalars.ts';
import { variants } from '../../../community/schema/schema.ts';
import type { Queryable } from '../../../database/database.ts';
import { statement } from '../../../database/statement.ts';

const MOST_PINS = 500;

const Item = Type.Union([Nest, Flag, Ship, ClubId]);
const PinsAction = Type.Object({
  pins: variants({ add: Item, del: Item, 'set-order': Type.Array(Item, { maxItems: 10_000 }) }),
});
export const decodePinsAction = decoder(PinsAction);

const find = statement<{ items: string[] }>('pins.find', 'select items from pins where ship = $1');
const add = statement(
  'pins.add',
  `insert into pins (ship, items) values ($1, array[$2])
   on conflict (ship) do update set items = array_append(array_remove(pins.items, $2), $2)
   where cardinality(pins.items) < ${MOST_PINS}`,
);
const remove = statement('pins.remove', 'update pins set items = array_remove(items, $2) where ship = $1');
const replace = statement(
  'pins.replace',
  'insert into pins (ship, items) values ($1, $2) on conflict (ship) do update set items = excluded.items',
);

export const readPins = async (from: Queryable, ship: string): Promise<readonly string[]> =>
  (await from.query(find, [ship]))[0]?.items ?? [];

/** Keeps the first 500. */
export const changePins = async (on: Queryable, ship: string, { pins }: Static<typeof PinsAction>): Promise<void> => {
  if ('add' in pins) await on.query(add, [ship, pins.add]);
  else if ('del' in pins) await on.query(remove, [ship, pins.del]);
  else await on.query(replace, [ship, [...new Set(pins['set-order'])].slice(0, MOST_PINS)]);
};
