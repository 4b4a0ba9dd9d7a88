// The client of the queue service: tasks, their runs, and their groups.
import { createClientClass } from './create-client-class.ts';
import { QUEUE_SERVICE, type QueueMethods } from './queue-api.ts';

/**
 * @example
 * const queue = new Queue({ rootUrl: 'http://127.0.0.1:8080', credentials: { clientId, accessToken
 * } });
 * const { status } = await queue.status(taskId);
 */
export class Queue extends createClientClass<QueueMethods>(QUEUE_SERVICE) {}
