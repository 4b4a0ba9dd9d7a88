// The thread that compiles or runs scripts. It has no power but to answer: its environment is
// empty, and a script inside it sees neither this file nor anything of Node.
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../core/clock.ts';
import { bootImage } from '../engine/boot.ts';
import { createCompiler } from '../engine/compiler.ts';
import { loadOnce } from '../engine/load.ts';
import { runInOrder } from '../engine/run-in-order.ts';
import { type AskHost, createRunner } from '../engine/runner.ts';
import { type Answer, type FromWorker, SHARED, type ToWorker, type WorkerSetup } from '../engine/worker-protocol.ts';

const setup = workerData as WorkerSetup;
const host = parentPort as MessagePort;
const wasm = setup.wasm as WebAssembly.Module;
const answers = setup.answers as MessagePort;
const shared = new Int32Array(setup.shared);

/** How long the host may take for an answer before the run fails. */
const LONGEST_WAIT_MS = 5000;

const tell = (message: FromWorker): void => host.postMessage(message);

const ask: AskHost = (question, range) => {
  const since = systemClock.monotonic();
  const sequence = Atomics.load(shared, SHARED.answered);
  tell({ kind: 'ask', question, range });
  Atomics.wait(shared, SHARED.answered, sequence, LONGEST_WAIT_MS);
  for (;;) {
    const received = receiveMessageOnPort(answers) as { message: Answer } | undefined;
    if (received === undefined) throw new Error(`the host did not answer ${question}`);
    const { json, sequence: number } = received.message;
    // An older one belongs to a question that was given up.
    if (number !== sequence) continue;
    if (json === null) throw new Error(`the host has no answer to ${question}`);
    return { json, waitedMs: systemClock.monotonic() - since };
  }
};

const begins = (run: number): void => {
  Atomics.store(shared, SHARED.run, run);
};

const image = setup.image ?? bootImage(wasm, setup.limits);
const compile = lazily(() => createCompiler(wasm, image, setup.limits));
const runner = lazily(() => createRunner(wasm, image, setup.limits, ask));

host.on('message', (job: ToWorker) => {
  if (job.kind === 'run') tell({ kind: 'ran', reports: runInOrder(job, runner().run, begins) });
  else if (job.kind === 'compile') tell(compile()(job.source));
  else if (job.kind === 'load') tell(loadOnce(wasm, image, setup.limits, job.bytecode));
  else runner().forget(job.hook);
});
tell({ kind: 'ready', image: setup.image === undefined ? image : undefined });

function lazily<T>(make: () => T): () => T {
  let value: T | undefined;
  return () => {
    value ??= make();
    return value;
  };
}
