// `hookwright act`: does something as a ship.
import type { Run } from '../cli/command.ts';
import { readDocument } from '../cli/input/read-document.ts';
import { shipOf } from './ship-name.ts';

export const act: Run = async (call) => {
  const ship = shipOf(call);
  const action = await readDocument(call.argument('FILE'), call);
  const { community } = await call.connect();
  const answer = await community.act(ship, action);
  for (const { pointer, reason } of answer.ignored ?? []) call.output.remark(`${pointer} ${reason}.`);
  call.output.answer(answer, () => (answer.id === undefined ? `Done as ${ship}.` : `Done as ${ship}: ${answer.id}`));
  return 0;
};
