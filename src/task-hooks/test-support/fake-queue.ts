// A queue that does as it is told, and records what it was asked and which tasks it made.
import type { Clock } from '../../core/clock.ts';
import type { CreateTaskAnswer, CreateTaskRequest, Queue } from '../../queue/queue.ts';
import { createRecord } from '../../timers/test-support/world.ts';

export const CREATED: CreateTaskAnswer = { kind: 'created' };
export const UNAVAILABLE = new Error('the queue answered 503');
export const REFUSED = new Error('connect ECONNREFUSED');
export const FORBIDDEN: CreateTaskAnswer = {
  kind: 'refused',
  statusCode: 403,
  code: 'InsufficientScopes',
  message: 'the role of the hook has no scopes',
};

/** `created, unheard`: the task is made, and the answer gets lost. */
export type Decision = CreateTaskAnswer | Error | 'hang' | 'created, unheard';

export type Asked = CreateTaskRequest & { readonly at: number; readonly answer: (answer: CreateTaskAnswer) => void };

export type FakeQueue = {
  readonly port: Queue;
  /** What it does from now on. */
  readonly behave: (decide: (request: CreateTaskRequest) => Decision) => void;
  readonly asked: ReturnType<typeof createRecord<Asked>>;
  /** taskId → the task, as JSON text. */
  readonly tasks: ReadonlyMap<string, string>;
  readonly forget: () => void;
};

export const createFakeQueue = (clock: Clock): FakeQueue => {
  const asked = createRecord<Asked>();
  const tasks = new Map<string, string>();
  let decide: (request: CreateTaskRequest) => Decision = () => CREATED;

  const carryOut = (request: CreateTaskRequest, decision: Decision): CreateTaskAnswer | 'hang' => {
    if (decision instanceof Error) throw decision;
    if (decision === 'hang') return 'hang';
    if (decision !== 'created, unheard' && decision.kind === 'refused') return decision;
    const known = tasks.get(request.taskId);
    if (known !== undefined && known !== request.task) {
      return { kind: 'refused', statusCode: 409, code: 'RequestConflict', message: 'another task of this id' };
    }
    tasks.set(request.taskId, request.task);
    if (decision === 'created, unheard') throw new Error('the connection broke');
    return CREATED;
  };

  return {
    behave: (how) => {
      decide = how;
    },
    asked,
    tasks,
    forget: () => {
      tasks.clear();
      asked.things.length = 0;
      decide = () => CREATED;
    },
    port: {
      createTask: async (request) => {
        const { promise, resolve } = Promise.withResolvers<CreateTaskAnswer>();
        const answer = (late: CreateTaskAnswer) => resolve(carryOut(request, late) as CreateTaskAnswer);
        asked.add({ ...request, at: clock.now(), answer });
        const now = carryOut(request, decide(request));
        return now === 'hang' ? promise : now;
      },
      taskStates: async () => new Map(),
    },
  };
};
