// `hookwright demo`: a server of its own in a temporary folder, a community with script hooks in
// it, and a scene that is played and told.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { readConfig } from '../../config.ts';
import { createLog } from '../../core/log.ts';
import { connectApi } from '../calls/api-connection.ts';
import type { Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { heedInterruption } from '../cli/interruption.ts';
import { playScene } from './scene.ts';
import { createStage } from './stage.ts';

export const demo: Run = async (call) => {
  const { output, clock } = call;
  const { signal, grace } = heedInterruption(clock);
  const interrupted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  await using place = await makePlace();
  // The settings of a server that is there already are none of this one.
  const config = readConfig(['--port', '0', '--data', place.dataFolder, '--log-level', 'error'], {}, '/');
  const { startApp } = await import('../../app.ts');
  const app = await startApp(config, { clock, log: createLog({ level: config.logLevel }) });
  place.databasePlace = app.databasePlace;
  try {
    output.line(`A server of its own is ready at ${app.url}; its data go when it ends.`);
    const connection = await connectApi({
      ...{ data: place.dataFolder, rootUrl: undefined, clientId: undefined },
      ...{ env: {}, cwd: '/' },
    });
    const played = createStage({ connection, output, clock, signal }).then(playScene);
    await Promise.race([played, interrupted, app.failure]);
    if (call.has('keep') && !signal.aborted) {
      output.line(`\nIt stays. Look around with --data ${place.dataFolder}:`);
      output.line(`  hookwright scripts list --data ${place.dataFolder}`);
      output.line(`  hookwright scripts runs --follow --data ${place.dataFolder}`);
      output.line('Press Ctrl-C to end.');
      await Promise.race([interrupted, app.failure]);
    }
  } finally {
    await app.stop();
  }
  if (signal.aborted) await grace();
  return EXIT_STATUS.done;
};

type Place = AsyncDisposable & { readonly dataFolder: string; databasePlace: string };

/** A data folder that the user of the embedded database may enter, too. */
const makePlace = async (): Promise<Place> => {
  const folder = await mkdtemp(join(tmpdir(), 'hookwright-demo-'));
  await chmod(folder, 0o711);
  const remove = (path: string) => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  const place: Place = {
    dataFolder: join(folder, 'data'),
    databasePlace: '',
    [Symbol.asyncDispose]: async () => {
      await remove(folder);
      // It lies elsewhere where the folder for temporary files is closed to that user.
      if (isAbsolute(place.databasePlace)) await remove(place.databasePlace);
    },
  };
  return place;
};
