// The command line, once for each list of words, in this one process: what is only said needs none
// of its own. Prints what each call wrote on standard output, as JSON.
import { pathToFileURL } from 'node:url';

const [node = '', , main = '', ...calls] = process.argv;
const write = process.stdout.write.bind(process.stdout);
const written: string[] = [];
process.setMaxListeners(0);
process.stdout.setMaxListeners(0);
process.stderr.setMaxListeners(0);
for (const [at, words] of calls.entries()) {
  let text = '';
  process.stdout.write = (chunk: string | Uint8Array) => {
    text += String(chunk);
    return true;
  };
  process.argv = [node, main, ...(JSON.parse(words) as string[])];
  await import(`${pathToFileURL(main).href}?call=${at}`);
  if (process.exitCode !== 0) throw new Error(`${words} ended with ${process.exitCode}`);
  written.push(text);
}
write(JSON.stringify(written));
