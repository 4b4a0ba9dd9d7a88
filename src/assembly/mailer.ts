// Mail by SMTP, in any mode, if a mail server is configured.
import type { Config } from '../config.ts';
import type { Mailer } from '../mail/mailer.ts';
import { createSmtpMailer } from '../mail/smtp-mailer.ts';

/** undefined: none is. */
export const createConfiguredMailer = (
  { smtpUrl, mailFrom }: Config,
  undo: AsyncDisposableStack,
): Mailer | undefined => {
  if (smtpUrl === undefined || mailFrom === undefined) return undefined;
  return undo.use(createSmtpMailer({ url: smtpUrl, from: mailFrom }));
};
