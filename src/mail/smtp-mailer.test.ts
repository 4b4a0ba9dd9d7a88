import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { createLog } from '../core/log.ts';
import { MailRefused } from './mailer.ts';
import { createSmtpMailer, type SmtpMailerSettings } from './smtp-mailer.ts';
import { TEST_CERTIFICATE } from './test-support/certificate.ts';
import { type SmtpServer, type SmtpServerOptions, startSmtpServer } from './test-support/smtp-server.ts';

type Context = { readonly after: (undo: () => Promise<void>) => void };

const PASSWORD = 'Tr0ub4dor&3 @/:ü';
const LOGIN = { user: 'me@example.com', password: PASSWORD };
const MAIL = { to: 'you@example.com', subject: 'A hook failed', text: 'It did.\n.\nReally.' };
const never = new AbortController().signal;

const credentials = ({ user, password }: typeof LOGIN) =>
  `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;

/** A mailer and the server it talks to. */
const connected = async (
  t: Context,
  options: SmtpServerOptions & { as?: string; host?: string; scheme?: string } = {},
  settings: Partial<SmtpMailerSettings> = {},
) => {
  const server = await startSmtpServer(t, options);
  const { as = options.login ? credentials(options.login) : '', host = '127.0.0.1', scheme = 'smtp' } = options;
  const url = new URL(`${scheme}://${as}${host}:${server.port}`);
  const mailer = createSmtpMailer({ url, from: 'Hookwright <hooks@example.com>', ...settings });
  t.after(async () => mailer[Symbol.asyncDispose]());
  return { server, mailer };
};

const headerOf = (server: SmtpServer, name: string, index = 0): string | undefined => {
  const head = (server.mails[index]?.source ?? '').split('\r\n\r\n')[0] ?? '';
  const unfolded = head.replaceAll(/\r\n(?=[ \t])/g, '');
  return new RegExp(`^${name}: (.*)$`, 'im').exec(unfolded)?.[1];
};

const failureOf = async (sending: Promise<void>): Promise<Error> => {
  try {
    await sending;
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  throw new Error('the mail was taken');
};

describe('a mail over SMTP', () => {
  for (const isPipelining of [false, true]) {
    it(`arrives as it was written${isPipelining ? ', also where commands go out together' : ''}`, async (t) => {
      const { server, mailer } = await connected(t, { isPipelining });
      await mailer.send({ ...MAIL, id: '0190-abc' }, never);
      const [mail] = server.mails;
      assert.deepEqual([mail?.from, mail?.to], ['hooks@example.com', ['you@example.com']]);
      assert.equal(headerOf(server, 'From'), 'Hookwright <hooks@example.com>');
      assert.equal(headerOf(server, 'To'), 'you@example.com');
      assert.equal(headerOf(server, 'Subject'), 'A hook failed');
      assert.equal(headerOf(server, 'Message-ID'), '<0190-abc@example.com>');
      assert.equal(headerOf(server, 'Auto-Submitted'), 'auto-generated');
      assert.equal(mail?.source.split('\r\n\r\n')[1], 'It did.\r\n.\r\nReally.');
    });
  }

  for (const mechanism of ['PLAIN', 'LOGIN'] as const) {
    it(`is sent as the user of the URL, who logs in with ${mechanism}`, async (t) => {
      const { server, mailer } = await connected(t, { login: LOGIN, mechanism });
      await mailer.send(MAIL, never);
      assert.equal(server.mails.length, 1);
    });
  }

  it('is encrypted where the server offers it', async (t) => {
    const options = { login: LOGIN, security: 'starttls', host: 'localhost' } as const;
    const { server, mailer } = await connected(t, options, { trust: TEST_CERTIFICATE });
    await mailer.send(MAIL, never);
    assert.equal(server.mails.length, 1);
    assert.deepEqual(server.lines.map((line) => line.split(' ')[0]).slice(0, 4), ['EHLO', 'STARTTLS', 'EHLO', 'AUTH']);
  });

  it('is encrypted from the first byte with smtps', async (t) => {
    const options = { login: LOGIN, security: 'tls', host: 'localhost', scheme: 'smtps' } as const;
    const { server, mailer } = await connected(t, options, { trust: TEST_CERTIFICATE });
    await mailer.send(MAIL, never);
    assert.equal(server.mails.length, 1);
  });

  it('is not sent to a server whose certificate no known authority has signed', async (t) => {
    const { server, mailer } = await connected(t, { login: LOGIN, security: 'starttls', host: 'localhost' });
    const error = await failureOf(mailer.send(MAIL, never));
    assert.match(error.message, /self-signed certificate/);
    assert.ok(!(error instanceof MailRefused));
    assert.ok(!server.lines.some((line) => line.startsWith('AUTH')));
  });

  it('waits rather than give the password away unencrypted to another machine', async (t) => {
    const { server, mailer } = await connected(t, { login: LOGIN, host: '0.0.0.0' });
    const error = await failureOf(mailer.send(MAIL, never));
    assert.ok(!(error instanceof MailRefused));
    assert.deepEqual(
      server.lines.map((line) => line.split(' ')[0]),
      ['EHLO', 'STARTTLS'],
    );
  });

  it('shares its connection with the next one', async (t) => {
    const { server, mailer } = await connected(t);
    await mailer.send(MAIL, never);
    await mailer.send(MAIL, never);
    assert.equal(server.mails.length, 2);
    assert.equal(server.connections().ever, 1);
  });

  it('is sent over a new connection when the server has closed the kept one', async (t) => {
    const { server, mailer } = await connected(t);
    await mailer.send(MAIL, never);
    server.react = (step) => (step === 'MAIL' && server.connections().ever === 1 ? 'hang up' : undefined);
    await mailer.send(MAIL, never);
    assert.equal(server.mails.length, 2);
    assert.equal(server.connections().ever, 2);
  });
});

describe('the connection', () => {
  it('is closed when it was not used for a while', async (t) => {
    const { server, mailer } = await connected(t, {}, { timeouts: { idle: 1 } });
    await mailer.send(MAIL, never);
    await server.allClosed();
    assert.equal(server.lines.at(-1), 'QUIT');
  });

  it('is closed with the mailer, which then sends no more', async (t) => {
    const { server, mailer } = await connected(t);
    await mailer.send(MAIL, never);
    await mailer[Symbol.asyncDispose]();
    await server.allClosed();
    await assert.rejects(mailer.send(MAIL, never), /closed/);
  });

  it('is cut off by the end of the mailer, also while a mail is sent', async (t) => {
    const { server, mailer } = await connected(t);
    server.react = (step) => (step === 'content' ? 'hang' : undefined);
    const sending = failureOf(mailer.send(MAIL, never));
    await server.reached('content');
    await mailer[Symbol.asyncDispose]();
    assert.ok(!((await sending) instanceof MailRefused));
    await server.allClosed();
  });
});

describe('a mail that the server does not take', () => {
  for (const isPipelining of [false, true]) {
    it(`is refused for good only when it is the recipient that is${isPipelining ? ', also with pipelining' : ''}`, async (t) => {
      const cases = [
        ['RCPT', '550 5.1.1 no such user', true],
        ['RCPT', '553 5.1.3 bad address', true],
        ['RCPT', '450 4.2.1 later', false],
        ['RCPT', '421 4.3.2 going down', false],
        ['RCPT', '503 5.5.1 bad sequence', false],
        ['RCPT', '530 5.7.0 log in first', false],
        ['MAIL', '550 5.7.1 who are you', false],
        ['MAIL', '451 4.3.0 later', false],
        ['DATA', '554 5.5.0 no', false],
        ['content', '554 5.7.1 the sender is not verified', false],
        ['content', '451 4.7.1 greylisted', false],
        ['EHLO', '421 4.3.2 busy', false],
        ['connect', '554 5.3.2 no service', false],
      ] as const;
      for (const [step, reply, isFinal] of cases) {
        const { server, mailer } = await connected(t, { isPipelining });
        server.react = (at) => (at === step ? reply : undefined);
        const error = await failureOf(mailer.send(MAIL, never));
        assert.equal(error instanceof MailRefused, isFinal, `${step}: ${reply}`);
        assert.ok(error.message.includes(reply), error.message);
        server.react = () => undefined;
        await mailer.send(MAIL, never);
        assert.equal(server.mails.length, 1, `${step}: ${reply}: the next one is taken`);
        await mailer[Symbol.asyncDispose]();
      }
    });
  }

  it('may be tried again when the server hangs up at any step', async (t) => {
    const { server, mailer } = await connected(t);
    for (const step of ['connect', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'content'] as const) {
      server.react = (at) => (at === step ? 'hang up' : undefined);
      assert.ok(!((await failureOf(mailer.send(MAIL, never))) instanceof MailRefused), step);
    }
    assert.equal(server.mails.length, 0);
  });

  it('may be tried again when the server says nothing more', async (t) => {
    const { server, mailer } = await connected(t, {}, { timeouts: { connect: 300, answer: 300 } });
    for (const step of ['connect', 'EHLO', 'RCPT', 'content'] as const) {
      server.react = (at) => (at === step ? 'hang' : undefined);
      const error = await failureOf(mailer.send(MAIL, never));
      assert.ok(!(error instanceof MailRefused), step);
    }
  });

  it('may be tried again when nothing listens there', async (t) => {
    const mailer = createSmtpMailer({ url: new URL('smtp://127.0.0.1:1'), from: 'hooks@example.com' });
    t.after(async () => mailer[Symbol.asyncDispose]());
    const error = await failureOf(mailer.send(MAIL, never));
    assert.match(error.message, /ECONNREFUSED/);
  });

  it('is let go when its signal says so, and its connection is closed', async (t) => {
    const { server, mailer } = await connected(t);
    server.react = (step) => (step === 'content' ? 'hang' : undefined);
    const stopping = new AbortController();
    const sending = failureOf(mailer.send(MAIL, stopping.signal));
    await server.reached('content');
    stopping.abort();
    assert.ok(!((await sending) instanceof MailRefused));
    await server.allClosed();
    assert.ok(!((await failureOf(mailer.send(MAIL, AbortSignal.abort()))) instanceof MailRefused));
  });
});

describe('a header', () => {
  it('cannot be smuggled in with the subject', async (t) => {
    const { server, mailer } = await connected(t);
    const subject = 'one\r\nBcc: evil@example.com\r\n\r\nbody\u2028x\0y\rz\nw';
    await mailer.send({ ...MAIL, subject }, never);
    assert.equal(headerOf(server, 'Subject'), 'one Bcc: evil@example.com body x y z w');
    assert.equal(headerOf(server, 'Bcc'), undefined);
    assert.deepEqual(server.mails[0]?.to, ['you@example.com']);
  });

  it('cannot be smuggled in with the identity of the mail', async (t) => {
    const { server, mailer } = await connected(t);
    await mailer.send({ ...MAIL, id: 'a>\r\nBcc: evil@example.com' }, never);
    assert.equal(headerOf(server, 'Bcc'), undefined);
    assert.equal(headerOf(server, 'Message-ID'), '<a---Bcc--evil-example.com@example.com>');
  });

  it('of a subject in another script is readable at the other end', async (t) => {
    const { server, mailer } = await connected(t);
    await mailer.send({ ...MAIL, subject: 'Häkchen 鉤' }, never);
    const [, encoding, text = ''] = /=\?UTF-8\?([BQ])\?(.*?)\?=/i.exec(headerOf(server, 'Subject') ?? '') ?? [];
    const bytes =
      encoding === 'B'
        ? Buffer.from(text, 'base64')
        : Buffer.from(
            text.replaceAll('_', ' ').replace(/=(..)/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
            'latin1',
          );
    assert.equal(bytes.toString(), 'Häkchen 鉤');
  });

  const BAD_ADDRESSES = [
    '',
    'nobody',
    'a@example.com\r\nBcc: b@example.com',
    'a@example.com\nRCPT TO:<b@example.com>',
    'a@example.com, b@example.com',
    'a@example.com b@example.com',
    'a@example.com;b@example.com',
    'all: a@example.com, b@example.com;',
    'A <a@example.com>',
    '<a@example.com>',
    'a@b@example.com',
    '"a b"@example.com',
    'a@[127.0.0.1]',
    'a\0@example.com',
    'a\u2028@example.com',
    `${'a'.repeat(250)}@example.com`,
  ];
  it('cannot be smuggled in with the address, which is one address or refused for good', async (t) => {
    const { server, mailer } = await connected(t);
    for (const to of BAD_ADDRESSES) {
      const error = await failureOf(mailer.send({ ...MAIL, to }, never));
      assert.ok(error instanceof MailRefused, JSON.stringify(to));
      assert.doesNotMatch(error.message, /[\r\n\0]/);
    }
    assert.deepEqual(server.lines, []);
  });
});

describe('the password', () => {
  const inBase64 = (text: string) => Buffer.from(text).toString('base64');
  const SECRETS = [
    PASSWORD,
    encodeURIComponent(PASSWORD),
    inBase64(PASSWORD),
    inBase64(`\0${LOGIN.user}\0${PASSWORD}`),
  ];

  /** What a log would show of an error. */
  const logged = (error: unknown): string => {
    const destination = new PassThrough();
    createLog({ level: 'trace', destination }).error({ err: error }, 'x');
    return `${destination.read()}${inspect(error, { depth: 9, showHidden: true })}`;
  };

  it('is in no error, not even when the server repeats what it was sent', async (t) => {
    const { server, mailer } = await connected(t, { login: LOGIN });
    const echoed = SECRETS.join(' | ');
    for (const [step, reply] of [
      ['AUTH', '535 5.7.8'],
      ['AUTH', '454 4.7.0'],
      ['MAIL', '550'],
      ['RCPT', '550'],
      ['content', '451'],
    ] as const) {
      server.react = (at) => (at === step ? `${reply} you said ${echoed}` : undefined);
      const error = await failureOf(mailer.send(MAIL, never));
      const text = logged(error);
      for (const secret of SECRETS) assert.ok(!text.includes(secret), `${step}: ${text}`);
    }
    assert.ok(!inspect(mailer, { depth: 9, showHidden: true }).includes(PASSWORD));
  });

  it('that is wrong is not the recipient’s fault: the mail may be tried again', async (t) => {
    const as = credentials({ ...LOGIN, password: 'other' });
    const { mailer } = await connected(t, { login: LOGIN, as });
    const error = await failureOf(mailer.send(MAIL, never));
    assert.equal(error.message, 'the mail server refused the login with 535');
    assert.ok(!(error instanceof MailRefused));
  });

  it('is never left out: a server without logins is an error', async (t) => {
    const { server, mailer } = await connected(t, { as: credentials(LOGIN) });
    const error = await failureOf(mailer.send(MAIL, never));
    assert.ok(!(error instanceof MailRefused));
    assert.ok(!server.lines.some((line) => line.startsWith('MAIL')));
  });
});

describe('a sender', () => {
  const url = new URL('smtp://127.0.0.1:1');
  it('is one address, alone or with a name', () => {
    for (const from of ['a@example.com', 'A B <a@example.com>', '"B, A" <a@example.com>', '<a@example.com>']) {
      createSmtpMailer({ url, from });
    }
    for (const from of ['', 'a', 'a@b, c@d', 'A\r\nBcc: <a@example.com>', 'A <a@b> <c@d>', 'a@b\n']) {
      assert.throws(() => createSmtpMailer({ url, from }), JSON.stringify(from));
    }
  });
});
