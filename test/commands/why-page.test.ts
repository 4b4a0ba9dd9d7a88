// docs/why-did-it-not-fire.md, command by command.
import { test } from 'node:test';
import { runPage } from './run-page.ts';

test('docs/why-did-it-not-fire.md', async (t) => {
  /** The numbers that rows have here, oldest first; on the page they are counted from 1. */
  let numbers: string[] = [];
  await runPage(t, 'docs/why-did-it-not-fire.md', {
    asTyped: (commands) =>
      commands.replace(/(fires show|--fire) (\d+)/g, (_, words, at) => `${words} ${numbers[Number(at) - 1]}`),
    asShown: (printed) => {
      if (!printed.startsWith('FIRE ')) return printed;
      numbers = [...printed.matchAll(/^\d+/gm)].map(([number]) => number).toReversed();
      return printed.replace(/^\d+ */gm, (cell) => String(numbers.indexOf(cell.trim()) + 1).padEnd(cell.length));
    },
  });
});
