// The port for outgoing mail: SMTP, the Notify service of a Taskcluster deployment, or none.

export type Mail = {
  /** One address, without a name. */
  readonly to: string;
  readonly subject: string;
  /** Plain text. */
  readonly text: string;
  /** The same at every try, so that who receives it may notice that two copies are one mail. */
  readonly id?: string;
};

export type Mailer = {
  /**
   * Resolves when somebody else has taken responsibility for the mail. Rejects with MailRefused
   * when no later try can help, with any other error when one may. What it rejects with may be
   * logged.
   */
  readonly send: (mail: Mail, signal: AbortSignal) => Promise<void>;
};

/** Nobody will ever take this mail to this recipient. `message` says why. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused';
}
