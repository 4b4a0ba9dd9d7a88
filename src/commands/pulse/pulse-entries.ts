// The commands for messages on exchanges, as the table has them.

import type { Argument, CommandEntry, Option } from '../cli/command.ts';
import { serverCall } from '../server-call.ts';

const EXCHANGE: Argument = { name: 'EXCHANGE', help: 'Such as exchange/my-service/v1/finished' };
const KEY: Argument = {
  ...{ name: 'KEY', mayBeEmpty: true },
  help: "The routing key: words with dots between them; '' for none",
};
const MESSAGE: Argument = {
  ...{ name: 'FILE', isFile: true, isOptional: true },
  help: 'The message, in JSON or YAML; - is standard input',
};
const PAYLOAD: Option = {
  ...{ name: 'payload', value: 'JSON' },
  help: 'The message; without it and without a file {}',
};
const DECLARE: Option = {
  name: 'declare',
  help: 'On RabbitMQ: make the exchange, durable and topic, if there is none',
};
const NOTES =
  'It is accepted when the broker has it on disk: each hook that is bound to it will get it. Says when nobody is bound.';

export const PULSE_ENTRIES: readonly CommandEntry[] = [
  serverCall(
    'pulse publish',
    'Publish a message on an exchange',
    async () => (await import('./publish-message.ts')).pulsePublish,
    {
      args: [EXCHANGE, KEY, MESSAGE],
      options: [PAYLOAD, DECLARE],
      notes: NOTES,
      examples: [`hookwright pulse publish exchange/my-service/v1/finished build.linux --payload '{"build": 42}'`],
    },
  ),
  serverCall(
    'pulse watch',
    'Show the messages of an exchange as they come',
    async () => (await import('./pulse-watch.ts')).pulseWatch,
    {
      args: [EXCHANGE, { name: 'PATTERN', help: "Which routing keys: * is one word, # any number; '#' for all" }],
      options: [
        { name: 'hook', value: 'GROUP/HOOK', help: 'Also say what this hook would make of each, and why not' },
        { name: 'count', value: 'NUMBER', help: 'End after so many (default: with Ctrl-C)' },
      ],
      notes:
        'It takes no message away from anybody. The hook is not fired: its trigger schema and its template are tried here, and again when it changes. ' +
        'A server that is away is waited for; with --json each message is an object in one line.',
      examples: ["hookwright pulse watch exchange/my-service/v1/finished 'build.#' --hook my-group/my-hook"],
    },
  ),
  serverCall(
    'messages publish',
    'The same as pulse publish, with the key as an option',
    async () => (await import('./publish-message.ts')).publishMessage,
    {
      args: [EXCHANGE, MESSAGE],
      options: [
        { name: 'routing-key', value: 'KEY', help: 'Words with dots between them (default: none)' },
        ...[PAYLOAD, DECLARE],
      ],
      notes: NOTES,
    },
  ),
];
