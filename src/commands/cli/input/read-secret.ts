// Asks for a secret on the terminal without showing it, or reads it from standard input.
import { text } from 'node:stream/consumers';
import { OperatorError } from '../../../core/errors.ts';
import type { Call } from '../command.ts';

const [INTERRUPT, END, BACKSPACE, DELETE] = ['\x03', '\x04', '\b', '\x7f'];

export const readSecret = async (
  question: string,
  { stdin, output }: Pick<Call, 'stdin' | 'output'>,
): Promise<string> => {
  if (!stdin.isTTY) return text(stdin);
  // Before it is asked: who answers at once would have it shown.
  stdin.setRawMode(true).setEncoding('utf8');
  try {
    process.stderr.write(question);
    return await typed(stdin);
  } finally {
    stdin.setRawMode(false).pause();
    output.remark(''); // the line's end, which was not shown either
  }
};

const typed = async (stdin: NodeJS.ReadStream): Promise<string> => {
  let secret = '';
  for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
    for (const character of String(chunk)) {
      if (character === INTERRUPT)
        throw new OperatorError('HW_BAD_OPTION', { problem: 'Nothing was typed', cure: 'Try again' });
      if (character === '\r' || character === '\n' || character === END) return secret;
      secret = character === BACKSPACE || character === DELETE ? secret.slice(0, -1) : secret + character;
    }
  }
  return secret;
};
