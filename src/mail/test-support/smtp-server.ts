// A small SMTP server that does what the test says: takes mail, refuses it, says nothing more, or
// hangs up.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Cleanup } from '../../../test/support/database.ts';
import { createRecord } from '../../timers/test-support/world.ts';
import { TEST_CERTIFICATE, TEST_KEY } from './certificate.ts';

/** `connect`: before the greeting. `content`: after the last line of a mail. */
export type Step = 'connect' | 'EHLO' | 'STARTTLS' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'content' | 'RSET' | 'QUIT';

/** A reply (`550 no`), or nothing at all, or the end of the connection. */
export type Reaction = string | 'hang' | 'hang up';

export type ReceivedMail = { readonly from: string; readonly to: readonly string[]; readonly source: string };

export type SmtpServer = {
  readonly port: number;
  /** Taken, each with a 250. */
  readonly mails: ReceivedMail[];
  readonly received: (count: number) => Promise<void>;
  /** All lines of all clients outside of mails, in order. */
  readonly lines: string[];
  /** Steps that were reached, as often as they were. */
  readonly reached: (step: Step, times?: number) => Promise<void>;
  /** How many connections are open, and how many there ever were. */
  readonly connections: () => { readonly open: number; readonly ever: number };
  readonly allClosed: () => Promise<void>;
  /**
   * What happens at a step in place of what is usual; undefined: the usual. May be changed at any
   * time.
   */
  react: (step: Step, line: string) => Reaction | undefined;
};

export type SmtpServerOptions = {
  /** Who may log in, and must. */
  readonly login?: { readonly user: string; readonly password: string };
  readonly mechanism?: 'PLAIN' | 'LOGIN';
  /** `starttls`: offered. `tls`: from the first byte. */
  readonly security?: 'none' | 'starttls' | 'tls';
  readonly isPipelining?: boolean;
};

const context = () => createSecureContext({ cert: TEST_CERTIFICATE, key: TEST_KEY });
const secured = (socket: Socket): Socket => new TLSSocket(socket, { isServer: true, secureContext: context() });
const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString();

export const startSmtpServer = async (t: Cleanup, options: SmtpServerOptions = {}): Promise<SmtpServer> => {
  const { login, mechanism = 'PLAIN', security = 'none', isPipelining = false } = options;
  const taken = createRecord<ReceivedMail>();
  const steps = new Map<Step, ReturnType<typeof createRecord<string>>>();
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  let ever = 0;
  let closed = Promise.withResolvers<void>();

  const recordOf = (step: Step) => {
    const record = steps.get(step) ?? createRecord<string>();
    steps.set(step, record);
    return record;
  };

  const converse = (plain: Socket) => {
    let socket = plain;
    let isSecure = false;
    let isLoggedIn = false;
    let from = '';
    let to: string[] = [];
    let content: string[] | undefined;
    let answer: ((line: string) => void) | undefined;

    const say = (text: string) => socket.write(`${text}\r\n`);
    /** Whether the usual is to follow. */
    const isUsual = (step: Step, line: string): boolean => {
      recordOf(step).add(line);
      const reaction = server.react(step, line);
      if (reaction === undefined) return true;
      if (reaction === 'hang up') socket.destroy();
      else if (reaction !== 'hang') say(reaction);
      return false;
    };
    const secure = () => {
      socket.removeAllListeners('data');
      socket = secured(socket);
      isSecure = true;
      read();
    };
    const judgeLogin = (user: string | undefined, password: string | undefined) => {
      isLoggedIn = user === login?.user && password === login?.password;
      say(isLoggedIn ? '235 2.7.0 welcome' : '535 5.7.8 wrong user or password');
    };
    const authenticate = (line: string) => {
      if (mechanism === 'PLAIN') {
        const [, user, password] = fromBase64(line.split(' ')[2] ?? '').split('\0');
        return judgeLogin(user, password);
      }
      say('334 VXNlcm5hbWU6');
      answer = (user) => {
        say('334 UGFzc3dvcmQ6');
        answer = (password) => {
          answer = undefined;
          judgeLogin(fromBase64(user), fromBase64(password));
        };
      };
    };
    const endContent = (read: readonly string[]) => {
      content = undefined;
      if (!isUsual('content', '.')) return;
      say('250 2.0.0 queued');
      taken.add({ from, to, source: read.join('\r\n') });
    };

    const USUAL: Record<string, (line: string) => void> = {
      EHLO: () => {
        const offers = [
          'localhost greets you',
          ...(isPipelining ? ['PIPELINING'] : []),
          ...(security === 'starttls' && !isSecure ? ['STARTTLS'] : []),
          ...(login ? [`AUTH ${mechanism}`] : []),
          '8BITMIME',
        ];
        for (const offer of offers.slice(0, -1)) say(`250-${offer}`);
        say(`250 ${offers.at(-1)}`);
      },
      STARTTLS: () => {
        say('220 2.0.0 go ahead');
        secure();
      },
      AUTH: authenticate,
      MAIL: (line) => {
        [from, to] = [/<(.*)>/.exec(line)?.[1] ?? '', []];
        say(login && !isLoggedIn ? '530 5.7.0 log in first' : '250 2.1.0 ok');
      },
      RCPT: (line) => {
        to.push(/<(.*)>/.exec(line)?.[1] ?? '');
        say('250 2.1.5 ok');
      },
      DATA: () => {
        if (to.length > 0) content = [];
        say(content ? '354 go on' : '554 5.5.1 no recipients');
      },
      RSET: () => {
        to = [];
        say('250 2.0.0 ok');
      },
      QUIT: () => {
        say('221 2.0.0 bye');
        socket.end();
      },
    };
    const onLine = (line: string) => {
      if (content) {
        if (line === '.') endContent(content);
        else content.push(line.replace(/^\./, ''));
        return;
      }
      lines.push(line);
      if (answer) return answer(line);
      const verb = (line.split(' ')[0] ?? '').toUpperCase();
      const usual = USUAL[verb];
      if (!usual) return say('500 5.5.1 what?');
      if (isUsual(verb as Step, line)) usual(line);
    };
    const read = () => {
      let rest = '';
      socket.on('error', () => {}); // the client may break off at any point
      socket.on('data', (chunk) => {
        const all = `${rest}${chunk.toString('utf8')}`.split('\r\n');
        rest = all.pop() ?? '';
        for (const line of all) onLine(line);
      });
    };
    if (security === 'tls') secure();
    else read();
    if (isUsual('connect', '')) say('220 localhost');
  };

  const listener = createServer((socket) => {
    if (sockets.size === 0) closed = Promise.withResolvers();
    sockets.add(socket);
    ever += 1;
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) closed.resolve();
    });
    converse(socket);
  });
  const server: SmtpServer = {
    port: 0,
    mails: taken.things,
    received: taken.reached,
    lines,
    reached: (step, times = 1) => recordOf(step).reached(times),
    connections: () => ({ open: sockets.size, ever }),
    allClosed: () => (sockets.size === 0 ? Promise.resolve() : closed.promise),
    react: () => undefined,
  };
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return Object.assign(server, { port: (listener.address() as AddressInfo).port });
};
