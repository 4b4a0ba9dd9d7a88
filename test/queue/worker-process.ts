// A worker as somebody might write it who knows nothing but the client: claims tasks, works a
// while, reports. Run as a process of its own, and killed at random (run-workers.ts). Arguments:
// data folder, worker's name, file that it writes to what was acknowledged.
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clients, type Credentials, clientsOf } from '../support/client.ts';

const [dataFolder = '', workerId = '', record = ''] = process.argv.slice(2);

type Claim = {
  readonly runId: number;
  readonly status: { readonly taskId: string };
  readonly task: { readonly payload: { readonly end: string; readonly ms: number } };
  readonly credentials: Credentials;
};

const { clientId, accessToken } = JSON.parse(
  readFileSync(`${dataFolder}/root-credentials.json`, 'utf8'),
) as Credentials;

/** Where the server is now: it may have been started again, on another port. */
const connect = (credentials: Credentials): Clients =>
  clientsOf(JSON.parse(readFileSync(`${dataFolder}/server.json`, 'utf8')).url, credentials);

/** Asks until there is an answer; undefined when the answer is that it is too late. */
const persist = async <Answer>(credentials: Credentials, ask: (clients: Clients) => Promise<Answer>) => {
  for (;;) {
    try {
      return await ask(connect(credentials));
    } catch (error) {
      const { statusCode } = error as { statusCode?: number };
      if (statusCode === 409) return undefined;
      // 401: the claim, and with it its credentials, ended long ago.
      if (statusCode === 401) return undefined;
      if (statusCode !== undefined && statusCode < 500) throw error;
      await sleep(30);
    }
  }
};

const work = async ({ runId, status: { taskId }, task: { payload }, credentials }: Claim): Promise<void> => {
  await sleep(payload.ms / 2);
  const again = await persist(credentials, ({ queue }) => queue.reclaimTask(taskId, runId));
  if (!again) return;
  await sleep(payload.ms / 2);
  const reported = await persist((again as Claim).credentials, ({ queue }): Promise<object> => {
    if (payload.end === 'completed') return queue.reportCompleted(taskId, runId);
    if (payload.end === 'failed') return queue.reportFailed(taskId, runId);
    // Flaky tasks get another worker at first.
    if (payload.end === 'flaky' && runId > 0) return queue.reportCompleted(taskId, runId);
    const reason = payload.end === 'flaky' ? 'intermittent-task' : 'malformed-payload';
    return queue.reportException(taskId, runId, { reason });
  });
  if (reported) appendFileSync(record, `${JSON.stringify({ taskId, runId })}\n`);
};

for (;;) {
  const claimed = await persist({ clientId, accessToken }, ({ queue }) =>
    queue.claimWork('chaos/worker', { workerGroup: 'chaos', workerId, tasks: 3 }),
  );
  await Promise.all(((claimed as { tasks: Claim[] } | undefined)?.tasks ?? []).map(work));
}
