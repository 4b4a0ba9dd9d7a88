// Plain tasks as a part of a larger statement: no dependencies, a group of their own, and due not
// too soon, as nearly all tasks of hooks are. They need nothing but their row, and their messages
// if anybody is bound to those.

import type { Broker } from '../../../broker/broker.ts';
import { type MessageAbout, messageValues, PUBLISHED_COUNT, publishedPiece } from '../../../broker/outbox.ts';
import type { Clock } from '../../../core/clock.ts';
import { joinPieces, type Piece } from '../../../database/statement.ts';
import type { CreateTaskRequest, PlainTask, PlainTasks, Refusal } from '../../queue.ts';
import { freshTask, type NewTask } from './create-tasks.ts';
import { nearTimers } from './expiry.ts';
import { CREATION_EXCHANGES, creationMessages } from './messages.ts';
import type { StoredTask } from './task.ts';
import { madePiece, taskValues } from './task-store.ts';

export type PlainTasksSettings = {
  readonly broker: Broker;
  readonly prepare: (request: CreateTaskRequest) => Promise<NewTask | Refusal>;
  readonly clock: Clock;
};

type Prepared = PlainTask & { readonly task: StoredTask };

type News = { readonly heard: readonly string[]; readonly published: number };

/** `written ($n)`: to these exchanges there are messages. */
const written: Piece = {
  name: 'written',
  parameters: 1,
  text: (first) => `written as (select exchange from unnest($${first}::text[]) as w (exchange))`,
};

// Who is bound is decided by the statement, so that a binding misses nothing of what begins after
// its commit. If it is somebody for whom no messages were written, nothing is made.
const made = madePiece(
  'task_id in (select task_id from unchanged) and not exists (select exchange from heard except select exchange from written)',
);
const published = publishedPiece('select task_id from made');

/** undefined: the broker's messages cannot be a part of a statement. */
export const createPlainTasks = ({ broker, prepare, clock }: PlainTasksSettings): PlainTasks | undefined => {
  if (!broker.pieces) return undefined;
  const { heard, accepted } = broker.pieces;
  /** When somebody looked last. Messages that nobody hears are not even written. */
  let lastHeard: ReadonlySet<string> = new Set(CREATION_EXCHANGES);

  return {
    piece: joinPieces(`plain-tasks-${heard.name}`, [heard, written, made, published]),
    prepare: async (request): Promise<Prepared | undefined> => {
      const newTask = await prepare(request);
      if ('kind' in newTask) return undefined;
      const { taskId, definition } = newTask;
      if (definition.dependencies.length > 0 || definition.taskGroupId !== taskId) return undefined;
      const now = clock.now();
      const task = freshTask(newTask, true, now);
      return nearTimers([task], now).length > 0 ? undefined : { taskId, task };
    },
    values: async (plain) => {
      const now = clock.now();
      const tasks = (plain as readonly Prepared[]).map(({ task }) => task);
      const messages = lastHeard.size === 0 ? [] : tasks.flatMap(messagesTo(lastHeard));
      return [
        CREATION_EXCHANGES,
        [...lastHeard],
        ...(await taskValues(tasks, now)),
        ...(await messageValues(messages, now)),
      ];
    },
    news: `(select count(*) from told) as told, array(select exchange from heard) as heard, ${PUBLISHED_COUNT} as published`,
    learn: (row) => {
      const news = row as News;
      lastHeard = new Set(news.heard);
      accepted(news.published);
    },
  };
};

const messagesTo =
  (heard: ReadonlySet<string>) =>
  (task: StoredTask): MessageAbout[] =>
    creationMessages(task)
      .filter(({ exchange }) => heard.has(exchange))
      .map((message) => ({ ...message, subject: task.taskId }));
