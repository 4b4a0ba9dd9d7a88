// How mail leaves the house: a port, behind which stand SMTP, a Taskcluster deployment's Notify, or nobody.

export type Mail = {
  readonly to: string;
  readonly subject: string;
  /** Plain text. */
  readonly text: string;
};

export type Mailer = {
  /** Resolves when somebody else has taken responsibility for the mail. Rejects when trying again later may help. */
  readonly send: (mail: Mail, signal: AbortSignal) => Promise<void>;
};
