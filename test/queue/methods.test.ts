// Each method of the queue that this server has, through the unmodified client: a good call, one
// without credentials, one that lacks the scope, one with just the scope that the client's own
// reference asks for.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { QUEUE_API } from '../../src/queue/standalone/declaration.ts';
import { type Clients, clientsOf, rootClients, taskcluster } from '../support/client.ts';
import { type Server, serveQuickly } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';

const HOUR = 60 * 60 * 1000;
const cleanup = lastFirst({ after });
const QUEUE_ID = 'prov/worker';
const WORKER = { workerGroup: 'group', workerId: 'worker' };

type Entry = {
  readonly name: string;
  readonly type: string;
  readonly method: string;
  readonly route: string;
  readonly query?: readonly string[];
  readonly input?: string;
  readonly output?: string;
};
const apis = createRequire(import.meta.url)('taskcluster-client/src/apis.js');
const reference: readonly Entry[] = (apis.default ?? apis).Queue.reference.entries;

let server: Server;
let root: Clients;
before(async () => {
  server = await serveQuickly(cleanup);
  root = rootClients(server.credentials);
});

const definition = (more: object = {}) => ({
  taskQueueId: QUEUE_ID,
  created: new Date().toISOString(),
  deadline: new Date(Date.now() + HOUR).toISOString(),
  payload: {},
  metadata: { name: 'n', description: 'd', owner: 'o', source: 'https://example.com' },
  ...more,
});

const create = async (more: object = {}): Promise<string> => {
  const taskId: string = taskcluster.slugid();
  await root.queue.createTask(taskId, definition(more));
  return taskId;
};

const claimed = async (): Promise<string> => {
  const taskId = await create({ priority: 'highest' });
  const { tasks } = await root.queue.claimWork(QUEUE_ID, { ...WORKER, tasks: 1 });
  assert.equal(tasks[0].status.taskId, taskId);
  return taskId;
};

const withScopes = (scopes: readonly string[]): Clients => {
  const { rootUrl, clientId, accessToken } = server.credentials;
  const credentials = taskcluster.createTemporaryCredentials({
    start: new Date(Date.now() - HOUR),
    expiry: new Date(Date.now() + HOUR),
    credentials: { clientId, accessToken },
    scopes,
  });
  return clientsOf(rootUrl, credentials);
};

type Case = {
  /** What to call it with, and one way to be allowed to. */
  readonly prepare: () => Promise<{ readonly args: readonly unknown[]; readonly scopes: readonly string[] }>;
  readonly look: (answer: never, args: readonly unknown[]) => void;
};

const isStatus =
  (state: string) =>
  ({ status }: { status: { taskId: string; state: string } }, [taskId]: readonly unknown[]) =>
    assert.deepEqual([status.taskId, status.state], [taskId, state]);

const onTask = (make: () => Promise<string>, scope: string, look: Case['look'], ...more: readonly unknown[]): Case => ({
  prepare: async () => {
    const taskId = await make();
    return { args: [taskId, ...more], scopes: [scope.replaceAll('<taskId>', taskId)] };
  },
  look,
});
const onRun = (scope: string, look: Case['look'], ...more: readonly unknown[]): Case =>
  onTask(claimed, `queue:${scope}:<taskId>/0`, look, 0, ...more);
const sealedGroup = async () => {
  const taskId = await create();
  await root.queue.sealTaskGroup(taskId);
  return taskId;
};

const CASES: Readonly<Record<(typeof QUEUE_API.methods)[number]['name'], Case>> = {
  createTask: {
    prepare: async () => ({
      args: [taskcluster.slugid(), definition({ scopes: ['s:1'], routes: ['r'], schedulerId: 'x' })],
      scopes: [
        ...['s:1', 'queue:route:r', 'queue:create-task:project:none', 'queue:scheduler-id:x'],
        `queue:create-task:lowest:${QUEUE_ID}`,
      ],
    }),
    look: isStatus('pending'),
  },
  task: onTask(create, 'queue:get-task:<taskId>', (task: { taskQueueId: string }) =>
    assert.equal(task.taskQueueId, QUEUE_ID),
  ),
  status: onTask(create, 'queue:status:<taskId>', isStatus('pending')),
  listTaskGroup: onTask(create, 'queue:list-task-group:<taskId>', (group: { tasks: unknown[] }) =>
    assert.equal(group.tasks.length, 1),
  ),
  getTaskGroup: onTask(create, 'queue:list-task-group:<taskId>', (group: { schedulerId: string }) =>
    assert.equal(group.schedulerId, '-'),
  ),
  sealTaskGroup: onTask(create, 'queue:seal-task-group:-/<taskId>', (group: { sealed: string }) =>
    assert.ok(group.sealed),
  ),
  cancelTaskGroup: onTask(sealedGroup, 'queue:cancel-task-group:-/<taskId>', (answer: { taskGroupSize: number }) =>
    assert.equal(answer.taskGroupSize, 1),
  ),
  listDependentTasks: onTask(create, 'queue:list-dependent-tasks:<taskId>', (answer: { tasks: unknown[] }) =>
    assert.deepEqual(answer.tasks, []),
  ),
  scheduleTask: onTask(create, 'queue:schedule-task:-/<taskId>/<taskId>', isStatus('pending')),
  rerunTask: onTask(create, 'queue:rerun-task:-/<taskId>/<taskId>', isStatus('pending')),
  cancelTask: onTask(create, 'queue:cancel-task:-/<taskId>/<taskId>', isStatus('exception')),
  claimWork: {
    prepare: async () => {
      await create();
      return {
        args: [QUEUE_ID, WORKER],
        scopes: [`queue:claim-work:${QUEUE_ID}`, `queue:worker-id:${WORKER.workerGroup}/${WORKER.workerId}`],
      };
    },
    look: ({ tasks }: { tasks: unknown[] }) => assert.equal(tasks.length, 1),
  },
  reclaimTask: onRun('reclaim-task', (answer: { status: { state: string }; credentials: { certificate: string } }) => {
    assert.equal(answer.status.state, 'running');
    assert.ok(JSON.parse(answer.credentials.certificate));
  }),
  reportCompleted: onRun('resolve-task', isStatus('completed')),
  reportFailed: onRun('resolve-task', isStatus('failed')),
  reportException: onRun('resolve-task', isStatus('exception'), { reason: 'malformed-payload' }),
  pendingTasks: {
    prepare: async () => ({ args: [QUEUE_ID], scopes: [`queue:pending-count:${QUEUE_ID}`] }),
    look: ({ pendingTasks }: { pendingTasks: number }) => assert.ok(pendingTasks >= 0),
  },
};

describe('each method of the queue', () => {
  for (const declared of QUEUE_API.methods) {
    it(`${declared.name} is as the client's reference has it, and asks for what that says`, async () => {
      const entry = reference.find(({ name, type }) => name === declared.name && type === 'function') ?? assert.fail();
      assert.deepEqual([declared.verb.toLowerCase(), declared.route], [entry.method, entry.route]);
      assert.deepEqual(Object.keys(declared.query ?? {}).sort(), [...(entry.query ?? [])].sort());
      assert.deepEqual(declared.input && `v1/${declared.input.name}.json#`, entry.input);
      assert.deepEqual(declared.output && `v1/${declared.output.name}.json#`, entry.output);

      const { prepare, look } = CASES[declared.name];
      const call = (clients: Clients, args: readonly unknown[]) => clients.queue[declared.name](...args);
      const { args, scopes } = await prepare();
      const refusal = { statusCode: 403, code: 'InsufficientScopes' };
      await assert.rejects(call(clientsOf(server.url), args), refusal);
      for (const missing of scopes) {
        await assert.rejects(
          call(withScopes(['other:*', ...scopes.filter((scope) => scope !== missing)]), args),
          refusal,
        );
      }
      look((await call(withScopes(scopes), args)) as never, args);
    });
  }
});

describe('a worker with nothing but its claim', () => {
  it('may reclaim and resolve its run, and nothing else', async () => {
    const taskId = await create({ priority: 'highest', scopes: ['queue:status:*'] });
    const { tasks } = await root.queue.claimWork(QUEUE_ID, WORKER);
    const { rootUrl } = server.credentials;
    const other = await create();
    const worker = clientsOf(rootUrl, tasks[0].credentials);
    assert.equal((await worker.queue.status(other)).status.state, 'pending', 'by the scopes of the task');
    await assert.rejects(worker.queue.cancelTask(taskId), { statusCode: 403 });
    await assert.rejects(worker.queue.reportCompleted(other, 0), { statusCode: 403 });
    await assert.rejects(worker.queue.reportCompleted(taskId, 1), { statusCode: 403 });
    await assert.rejects(worker.queue.claimWork(QUEUE_ID, WORKER), { statusCode: 403 });
    const again = await worker.queue.reclaimTask(taskId, 0);
    assert.ok(again.takenUntil > tasks[0].takenUntil);
    const later = clientsOf(rootUrl, again.credentials);
    assert.equal((await later.queue.reportCompleted(taskId, 0)).status.state, 'completed');
    assert.equal((await worker.queue.reportCompleted(taskId, 0)).status.state, 'completed', 'it may say so twice');
    await assert.rejects(worker.queue.reportFailed(taskId, 0), { statusCode: 409, code: 'RequestConflict' });
  });

  it('claims nothing when it hangs up, and is answered when the server ends', async (t) => {
    const undo = lastFirst(t);
    const own = await serveQuickly(undo);
    const { queue } = rootClients(own.credentials);
    const impatient = rootClients(own.credentials, { timeout: 700 });
    await assert.rejects(impatient.queue.claimWork(QUEUE_ID, WORKER));
    const taskId = taskcluster.slugid();
    await queue.createTask(taskId, definition());
    assert.equal((await queue.status(taskId)).status.state, 'pending');
    await queue.cancelTask(taskId);
    const waiting = queue.claimWork(QUEUE_ID, WORKER);
    // Of two that wait the second one is answered as soon as there is a task, so the first one
    // waits by then as well.
    const second = queue.claimWork('prov/other', WORKER);
    await queue.createTask(taskcluster.slugid(), definition({ taskQueueId: 'prov/other' }));
    assert.equal((await second).tasks.length, 1);
    own.process.kill('SIGTERM');
    assert.deepEqual(await waiting, { tasks: [] });
    assert.deepEqual(await own.exit, [0, null], own.said());
  });
});
