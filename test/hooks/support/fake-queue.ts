// A queue that does as the test says, and records what it was asked and which tasks there are.
import type { Clock } from '../../../src/core/clock.ts';
import type { CreateTaskAnswer, CreateTaskRequest, Queue } from '../../../src/queue/queue.ts';

/**
 * `unavailable`: it answers 503. `unheard`: it makes the task, and its answer never comes. `hang`:
 * neither.
 */
export type Behaviour = 'create' | 'unavailable' | 'hang' | 'unheard' | Extract<CreateTaskAnswer, { kind: 'refused' }>;

export type Asked = CreateTaskRequest & {
  readonly at: number;
  /** Lets one that hangs be created. */
  readonly letGo: () => void;
};

export type FakeQueue = Queue & {
  readonly asked: readonly Asked[];
  /** taskId → the task as JSON text. */
  readonly tasks: ReadonlyMap<string, string>;
  /** From now on. */
  readonly behave: (how: Behaviour | ((request: CreateTaskRequest) => Behaviour)) => void;
};

export const createFakeQueue = (clock: Clock): FakeQueue => {
  const asked: Asked[] = [];
  const tasks = new Map<string, string>();
  let behaviourOf: (request: CreateTaskRequest) => Behaviour = () => 'create';

  const create = ({ taskId, task }: CreateTaskRequest): CreateTaskAnswer => {
    const known = tasks.get(taskId);
    if (known !== undefined && known !== task) {
      return { kind: 'refused', statusCode: 409, code: 'RequestConflict', message: `there is another task ${taskId}` };
    }
    tasks.set(taskId, task);
    return { kind: 'created' };
  };

  return {
    asked,
    tasks,
    behave: (how) => {
      behaviourOf = typeof how === 'function' ? how : () => how;
    },
    createTask: (request) =>
      new Promise((resolve, reject) => {
        const behaviour = behaviourOf(request);
        asked.push({ ...request, at: clock.now(), letGo: () => resolve(create(request)) });
        if (behaviour === 'create') resolve(create(request));
        else if (behaviour === 'unavailable') reject(new Error('the queue answered 503'));
        else if (behaviour === 'unheard') create(request);
        else if (behaviour !== 'hang') resolve(behaviour);
      }),
    taskStates: async () => new Map(),
  };
};
