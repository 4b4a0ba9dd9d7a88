// Plain tasks as a part of a larger statement: no dependencies, a group of their own, and due not
// too soon, as nearly all tasks of hooks are. They need nothing but their row, and their messages
// if anybody is bound to those.

import type { Broker } from '../../../broker/broker.ts';
import { type MessageAbout, messageValues, PUBLISHED_COUNT, publishedPiece } from '../../../broker/outbox.ts';
import type { Clock } from '../../../core/clock.ts';
import { joinPieces, type Piece } from '../../../database/statement.ts';
import type { CreateTaskRequest, PlainForm, PlainTask, PlainTasks, Refusal } from '../../queue.ts';
import { freshTask, type NewTask } from './create-tasks.ts';
import { isNear } from './expiry.ts';
import { CREATION_EXCHANGES, creationMessages } from './messages.ts';
import type { StoredTask } from './task.ts';
import { madePiece, taskValues } from './task-store.ts';

export type PlainTasksSettings = {
  readonly broker: Broker;
  readonly prepare: (request: CreateTaskRequest) => Promise<NewTask | Refusal>;
  readonly clock: Clock;
};

type Prepared = PlainTask & { readonly task: StoredTask };

/** `written ($n)`: to these exchanges there are messages. */
const written: Piece = {
  name: 'written',
  parameters: 1,
  text: (first) => `written as (select exchange from unnest($${first}::text[]) as w (exchange))`,
};

// Who is bound is decided by the statement, so that a binding misses nothing of what begins after
// its commit. If it is somebody for whom no messages were written, nothing is made.
const making = (unwritten: string): Piece =>
  madePiece(`task_id = any(array(select task_id from unchanged)) and not exists (${unwritten})`);
const published = publishedPiece('select task_id from made');

const TOLD = '(select count(*) from told) as told';

/** undefined: the broker's messages cannot be a part of a statement. */
export const createPlainTasks = ({ broker, prepare, clock }: PlainTasksSettings): PlainTasks | undefined => {
  if (!broker.pieces) return undefined;
  const { heard, accepted } = broker.pieces;
  /** When somebody looked last. Messages that nobody hears are not even written. */
  let lastHeard: ReadonlySet<string> = new Set(CREATION_EXCHANGES);

  const silent: PlainForm = {
    piece: joinPieces(`silent-tasks-${heard.name}`, [heard, making('select from heard')]),
    values: async (plain) => [CREATION_EXCHANGES, ...(await taskValues(tasksOf(plain), clock.now()))],
    news: `${TOLD}, exists (select from heard) as is_heard`,
    learn: (row) => {
      if ((row as { readonly is_heard: boolean }).is_heard) lastHeard = new Set(CREATION_EXCHANGES);
    },
  };

  const loud: PlainForm = {
    piece: joinPieces(`plain-tasks-${heard.name}`, [
      ...[heard, written, making('select exchange from heard except select exchange from written'), published],
    ]),
    values: async (plain) => {
      const now = clock.now();
      const tasks = tasksOf(plain);
      const hearing = lastHeard; // others may learn while we write
      return [
        CREATION_EXCHANGES,
        [...hearing],
        ...(await taskValues(tasks, now)),
        ...(await messageValues(tasks.flatMap(messagesTo(hearing)), now)),
      ];
    },
    news: `${TOLD}, array(select exchange from heard) as heard, ${PUBLISHED_COUNT} as published`,
    learn: (row) => {
      const news = row as { readonly heard: readonly string[]; readonly published: number };
      lastHeard = new Set(news.heard);
      accepted(news.published);
    },
  };

  return {
    forms: [silent, loud],
    form: () => (lastHeard.size === 0 ? silent : loud),
    prepare: async (request): Promise<Prepared | undefined> => {
      const newTask = await prepare(request);
      if ('kind' in newTask) return undefined;
      const { taskId, definition } = newTask;
      if (definition.dependencies.length > 0 || definition.taskGroupId !== taskId) return undefined;
      const now = clock.now();
      const task = freshTask(newTask, true, now);
      return isNear(task, now) ? undefined : { taskId, task };
    },
  };
};

const tasksOf = (plain: readonly PlainTask[]) => (plain as readonly Prepared[]).map(({ task }) => task);

const messagesTo =
  (heard: ReadonlySet<string>) =>
  (task: StoredTask): MessageAbout[] =>
    creationMessages(task)
      .filter(({ exchange }) => heard.has(exchange))
      .map((message) => ({ ...message, subject: task.taskId }));
