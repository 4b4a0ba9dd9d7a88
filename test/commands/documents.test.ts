// The commands of these pages, run one after another as they stand there, say what stands there.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXIT_STATUS } from '../../src/commands/cli/exit-status.ts';
import { onChannel, openRabbitmq } from '../support/rabbitmq.ts';
import { startRabbitmqNode, WITHOUT_RABBITMQ_NODE } from '../support/rabbitmq-node.ts';
import { lastFirst } from '../support/wait.ts';
import { PROJECT } from './command-world.ts';
import { runPage } from './run-page.ts';

test('README.md, docs/tour.md, docs/command-line.md and examples/hooks/README.md, one after another on one server', async (t) => {
  const isTyped = (commands: string) => /^(alias|hookwright) /.test(commands);
  const reader = await runPage(t, 'README.md', { isTyped });
  for (const page of ['docs/tour.md', 'docs/command-line.md', 'examples/hooks/README.md'])
    await runPage(t, page, { reader });
});
test('docs/command-line.md', async (t) => {
  await runPage(t, 'docs/command-line.md');
});
test('docs/webhooks.md', async (t) => {
  const asShown = (printed: string) => printed.replace(/(?<![\w-])[\w-]{43}(?![\w-])/g, '<the secret>');
  await runPage(t, 'docs/webhooks.md', { asShown });
});
test('examples/hooks/README.md', async (t) => {
  await runPage(t, 'examples/hooks/README.md');
});
test('examples/hooks/README.md, on a RabbitMQ', { skip: WITHOUT_RABBITMQ_NODE }, async (context) => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const node = await startRabbitmqNode(t);
  const connection = await openRabbitmq(t, node.url);
  await onChannel(connection, (channel) => channel.assertExchange('exchange/my-builds/v1/finished', 'topic'));
  await runPage(context, 'examples/hooks/README.md', { serverEnv: { AMQP_URL: node.url } });
});

test('docs/command-line.md names each exit status once', async () => {
  const page = await readFile(join(PROJECT, 'docs/command-line.md'), 'utf8');
  const named = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, status]) => Number(status));
  assert.deepEqual(named, Object.values(EXIT_STATUS));
});

test('docs/command-line.md names every command, and no other', async () => {
  const page = await readFile(join(PROJECT, 'docs/command-line.md'), 'utf8');
  const { COMMANDS } = await import('../../src/commands/command-table.ts');
  const rows = [...page.matchAll(/^\| (`[a-z].*?) \| .* \|$/gm)].map(([, cell = '']) => cell);
  const named = rows.flatMap((row) => {
    let noun = '';
    return [...row.matchAll(/`([^`]+)`/g)].map(([, words = '']) => {
      const [first = '', second] = words.split(' ');
      const isAlone = second === undefined && COMMANDS.some((entry) => entry.words.join(' ') === words);
      if (isAlone) return words;
      if (second !== undefined) noun = first;
      return second === undefined ? `${noun} ${first}` : words;
    });
  });
  assert.deepEqual(named.toSorted(), COMMANDS.map(({ words }) => words.join(' ')).toSorted());
});
