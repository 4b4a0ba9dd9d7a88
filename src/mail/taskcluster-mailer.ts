// Mail through the Notify service of a Taskcluster deployment.
import type { TaskclusterClient } from '../taskcluster/taskcluster-client.ts';
import { type Mailer, MailRefused } from './mailer.ts';

const DEADLINE_MS = 30_000;
/** As its schema has it. */
const LONGEST_SUBJECT = 255;
const LONGEST_CONTENT = 102_400;
/**
 * What it says of the mail. Anything else (no scope, no such service) somebody can mend while the
 * mail waits.
 */
const ABOUT_THE_MAIL: readonly number[] = [400, 413];

/**
 * One try each; who calls tries again later. Notify sends what it has sent a moment ago only once.
 */
export const createTaskclusterMailer = (client: TaskclusterClient): Mailer => ({
  send: async ({ to, subject, text }, signal) => {
    const answer = await client.call(
      {
        ...{ service: 'notify', name: 'email', verb: 'POST', path: '/email' },
        as: 'ourselves',
        body: JSON.stringify({
          address: to,
          subject:
            [...subject.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()].slice(0, LONGEST_SUBJECT).join('') || '-',
          content: asMarkdown(text),
        }),
        deadlineMs: DEADLINE_MS,
      },
      signal,
    );
    if (answer.ok) return;
    const { statusCode, code, message } = answer;
    const says = `notify.email at ${client.rootUrl} refuses ${to} with ${statusCode} ${code}: ${message.slice(0, 500)}`;
    throw ABOUT_THE_MAIL.includes(statusCode) ? new MailRefused(says) : new Error(says);
  },
});

/**
 * Its mails are Markdown. Ours are plain text, whose lines stay as they are, and in which nothing
 * becomes a link that a hook made up.
 */
const asMarkdown = (text: string): string => {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  const room = LONGEST_CONTENT - 2 * fence.length - 2;
  return `${fence}\n${text.length > room ? `${text.slice(0, room - 1)}…` : text}\n${fence}`;
};
