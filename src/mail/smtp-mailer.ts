// Mail over SMTP, by nodemailer, which is loaded with the first mail: a server that sends none pays
// neither time nor memory for it.
import { isIP } from 'node:net';
import type { SMTPPoolOptions, SMTPPoolSentMessageInfo, Transporter } from 'nodemailer';
import { describeError, errorCode } from '../core/errors.ts';
import { isAddress, parseMailbox } from './mailbox.ts';
import { type Mail, type Mailer, MailRefused } from './mailer.ts';

export type SmtpMailerSettings = {
  /**
   * `smtp://` goes over to TLS where the server offers it (port 587 if none is given), `smtps://`
   * begins with it (465). With a user and a password, percent-encoded; these are sent over TLS
   * only, except to this machine.
   */
  readonly url: URL;
  /** `hooks@example.com` or `Hookwright <hooks@example.com>`. */
  readonly from: string;
  /**
   * Certificates in PEM, one of which must have signed the server's; absent: those that Node
   * trusts.
   */
  readonly trust?: string;
  readonly timeouts?: Partial<SmtpTimeouts>;
};

/** Milliseconds. */
export type SmtpTimeouts = {
  /** From the look-up of the name to the end of the greeting and of STARTTLS. */
  readonly connect: number;
  /** For one answer of the server. Some think for long after the last line of a mail. */
  readonly answer: number;
  /** After which a connection that nobody uses is closed. */
  readonly idle: number;
};

const TIMEOUTS: SmtpTimeouts = { connect: 30_000, answer: 60_000, idle: 30_000 };
const CONNECTIONS = 5;
/** How long the server may take to close its side of a connection that we have closed. */
const CLOSE_MS = 1_000;
const LONGEST_REASON = 500;
/**
 * Answers to RCPT TO that say nothing of the recipient: commands out of order, and a login that is
 * missing.
 */
const ABOUT_THE_SESSION: readonly number[] = [503, 530];

export type SmtpMailer = Mailer &
  AsyncDisposable & {
    /** Connects and logs in, and sends nothing. What it rejects with may be shown. */
    readonly verify: () => Promise<void>;
  };

type Transport = Transporter<SMTPPoolSentMessageInfo, SMTPPoolOptions>;

/**
 * Connections are kept for the next mail, and closed when idle for a while or when the mailer is
 * disposed, which also cuts off what is being sent.
 *
 * @example await using mailer = createSmtpMailer({ url: new URL('smtp://mail.example.com'), from: 'hooks@example.com' });
 */
export const createSmtpMailer = (settings: SmtpMailerSettings): SmtpMailer => {
  const from = parseMailbox(settings.from);
  if (!from) throw new Error('the sender of mail is not one mail address');
  const hide = createHide(settings.url);
  let transport: Transport | undefined;
  let isDisposed = false;

  const open = async (): Promise<Transport> => {
    const { createTransport } = await import('nodemailer');
    if (isDisposed) throw new Error('the mailer is closed');
    transport ??= createTransport(poolOptions(settings));
    return transport;
  };

  return {
    send: async (mail, signal) => {
      if (!isAddress(mail.to)) throw new MailRefused(`${JSON.stringify(mail.to)} is not one mail address`);
      const transporter = await open();
      try {
        await transporter.sendMail({
          from,
          to: { name: '', address: mail.to },
          envelope: { from: from.address, to: [mail.to] },
          subject: onOneLine(mail.subject),
          text: mail.text,
          ...(mail.id === undefined ? {} : { messageId: messageIdOf(mail.id, from.address) }),
          headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834: no machine answers that its owner is on holiday
          signal,
        });
      } catch (error) {
        throw explain(error, mail, hide);
      }
    },
    verify: async () => {
      const transporter = await open();
      try {
        await transporter.verify();
      } catch (error) {
        throw (
          loginRefused(error) ?? new Error(`the mail server does not answer as it should: ${reasonOf(error, hide)}`)
        );
      }
    },
    [Symbol.asyncDispose]: async () => {
      isDisposed = true;
      transport?.close({ force: true });
    },
  };
};

const poolOptions = ({ url, trust, timeouts }: SmtpMailerSettings): SMTPPoolOptions & { pool: true } => {
  const { connect, answer, idle } = { ...TIMEOUTS, ...timeouts };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const login = readLogin(url);
  return {
    pool: true,
    host,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    secure: url.protocol === 'smtps:',
    // Whoever sits between could leave the offer of STARTTLS out of the greeting, and would be told
    // the password.
    requireTLS: login !== undefined && !isThisMachine(host),
    // Without `forceAuth` a server that offers no login gets the mail without one, and its refusal
    // would look like the recipient's.
    ...(login ? { auth: login, forceAuth: true } : {}),
    ...(trust === undefined ? {} : { tls: { ca: trust } }),
    connectionTimeout: connect,
    greetingTimeout: connect,
    dnsTimeout: connect,
    socketTimeout: answer,
    socketCloseTimeout: CLOSE_MS,
    idleTimeout: idle,
    maxConnections: CONNECTIONS,
    maxRequeues: 1, // once, for a kept connection that the server has closed meanwhile; who calls us tries again later
    disableFileAccess: true,
    disableUrlAccess: true,
  };
};

const readLogin = ({ username, password }: URL): { user: string; pass: string } | undefined =>
  username === '' ? undefined : { user: decodeURIComponent(username), pass: decodeURIComponent(password) };

const isThisMachine = (host: string): boolean =>
  host.toLowerCase() === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** A template may well render to several lines. */
const onOneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();

const messageIdOf = (id: string, from: string): string => {
  const domain = from.slice(from.lastIndexOf('@') + 1);
  return `<${id.replace(/[^\w.-]/g, '-')}@${domain}>`;
};

/**
 * Takes the password out of a text, in all forms in which it was sent or given. Servers have been
 * seen to echo commands.
 */
const createHide = (url: URL): ((text: string) => string) => {
  const login = readLogin(url);
  if (!login || login.pass === '') return (text) => text;
  const inBase64 = (text: string) => Buffer.from(text).toString('base64');
  const forms = [inBase64(`\0${login.user}\0${login.pass}`), inBase64(login.pass), url.password, login.pass];
  return (text) => forms.reduce((hidden, form) => hidden.replaceAll(form, '[redacted]'), text);
};

/**
 * In a new error: nodemailer's has the server's answer in fields of its own, which a log would
 * show.
 */
const explain = (error: unknown, { to }: Mail, hide: (text: string) => string): Error => {
  const refused = loginRefused(error);
  if (refused) return refused;
  const { command } = error as { readonly command?: unknown };
  const status = statusOf(error);
  const reason = reasonOf(error, hide);
  const isPermanent = status >= 500 && status < 600 && !ABOUT_THE_SESSION.includes(status);
  return command === 'RCPT TO' && isPermanent
    ? new MailRefused(`the mail server refuses ${to}: ${reason}`)
    : new Error(`the mail server did not take the mail: ${reason}`);
};

/** What the server answered; 0: nothing. */
const statusOf = (error: unknown): number => {
  const { responseCode } = error as { readonly responseCode?: unknown };
  return typeof responseCode === 'number' ? responseCode : 0;
};

const loginRefused = (error: unknown): Error | undefined => {
  if (errorCode(error) !== 'EAUTH') return undefined;
  const status = statusOf(error);
  return new Error(`the mail server refused the login${status === 0 ? '' : ` with ${status}`}`);
};

const reasonOf = (error: unknown, hide: (text: string) => string): string =>
  hide(onOneLine(describeError(error))).slice(0, LONGEST_REASON);
