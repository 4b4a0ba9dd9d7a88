import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type Config, readConfig } from './config.ts';
import { describeOptions, OPTIONS } from './options.ts';

const folder = mkdtempSync(join(tmpdir(), 'hookwright-config-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const fileOf = (content: unknown): string => {
  files += 1;
  const path = join(folder, `${files}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};
const read = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) => readConfig(args, env, '/srv');
const fileArgs = (content: unknown) => ['--config', fileOf(content)];

describe('the configuration', () => {
  it('has defaults that suffice', () => {
    assert.deepEqual(read(), {
      port: 8080,
      host: '127.0.0.1',
      dataFolder: '/srv/.hookwright',
      rootUrl: undefined,
      databaseUrl: undefined,
      poolSize: 8,
      encryptionKey: undefined,
      logLevel: 'warn',
      retentionDays: 400,
      payloadDays: 30,
      shutdownSeconds: 15,
      ship: '~zod',
      browserOrigins: [],
      trustedProxies: [],
      claimSeconds: 1200,
      deniedExchanges: ['exchange/taskcluster-queue/v1/task-created', 'exchange/taskcluster-hooks/.*'],
      smtpUrl: undefined,
      mailFrom: undefined,
      parts: ['web', 'scheduler', 'listeners'],
      amqpUrl: undefined,
      amqpQueueType: 'classic',
      replaceQueues: false,
      mode: 'standalone',
      deployment: undefined,
      idle: [],
    });
  });

  // In the file, in the environment and as a flag, and what each of them means.
  const VALUES: Readonly<
    Record<Exclude<keyof typeof OPTIONS & keyof Config, 'encryptionKey' | 'mode'>, readonly [string, string, string]>
  > = {
    port: ['1', '2', '3'],
    host: ['a', 'b', 'c'],
    dataFolder: ['/a', '/b', '/c'],
    rootUrl: ['http://a/', 'http://b/', 'http://c/'],
    databaseUrl: ['postgres://a', 'postgres://b', 'postgres://c'],
    poolSize: ['2', '3', '4'],
    logLevel: ['trace', 'debug', 'info'],
    retentionDays: ['1', '2', '3'],
    payloadDays: ['0', '1', '2'],
    shutdownSeconds: ['0', '1', '2'],
    ship: ['~nec', '~bud', '~sampel-palnet'],
    browserOrigins: ['https://a.example', 'http://localhost:3000', 'https://c.example'],
    trustedProxies: ['10.0.0.0/8', '::1', '192.0.2.1'],
    claimSeconds: ['1', '2', '3'],
    deniedExchanges: ['a', 'b', 'c'],
    smtpUrl: ['smtp://a', 'smtps://u:p@b:465', 'smtp://c:25'],
    mailFrom: ['a@example.com', 'B <b@example.com>', 'c@example.com'],
    parts: ['web', 'scheduler', 'web,listeners'],
    amqpUrl: ['amqp://a', 'amqps://u:p@b:5671/x', 'amqp://c'],
    amqpQueueType: ['classic', 'quorum', 'classic'],
    replaceQueues: ['true', 'false', 'true'],
  };
  for (const [option, [inFile, inEnvironment, asFlag]] of Object.entries(VALUES)) {
    const name = option as keyof typeof VALUES;
    const { flag, env } = OPTIONS[name];
    it(`takes --${flag} before ${env} before the file before the default`, () => {
      const config = fileArgs({ 'mail-from': 'needed@example.com', [flag]: inFile });
      const text = (args: string[], environment: NodeJS.ProcessEnv) => String(read(args, environment)[name]);
      assert.equal(text(config, {}), inFile);
      assert.equal(text(config, { [env]: inEnvironment }), inEnvironment);
      assert.equal(text([...config, `--${flag}`, asFlag], { [env]: inEnvironment }), asFlag);
      assert.equal(text(config, { [env]: '' }), inFile, 'an empty variable is as good as none');
    });
  }

  it('may have its file named by the environment, relative to where the program runs', () => {
    const path = fileOf({ port: 17 });
    assert.equal(read([], { HOOKWRIGHT_CONFIG: path }).port, 17);
    assert.equal(readConfig(['--config', path.slice(folder.length + 1)], {}, folder).port, 17);
  });

  it('reads the encryption key from the file that the flag names, or from the variable', () => {
    const file = fileOf('  the key\n');
    assert.equal(read(['--encryption-key-file', file]).encryptionKey, 'the key');
    assert.equal(read([], { HOOKWRIGHT_ENCRYPTION_KEY: 'direct' }).encryptionKey, 'direct');
    const both = read(['--encryption-key-file', file], { HOOKWRIGHT_ENCRYPTION_KEY: 'direct' });
    assert.equal(both.encryptionKey, 'the key');
  });

  it('is described with every flag, its variable and its default', () => {
    const help = describeOptions();
    for (const { flag, env, fallback } of Object.values(OPTIONS)) {
      assert.ok(help.includes(`--${flag} `) && help.includes(`(${env})`), flag);
      if (fallback !== undefined) assert.ok(help.includes(`Default: ${fallback}.`), flag);
    }
  });
});

describe('a bad option', () => {
  const cases: readonly [string, () => unknown, RegExp][] = [
    ['a port that is no number', () => read(['--port', 'x']), /--port \(HOOKWRIGHT_PORT\) is "x".*from 0 to 65535/],
    ['a port that is too large', () => read(['--port', '65536']), /"65536".*from 0 to 65535/],
    ['a port with a fraction', () => read(fileArgs({ port: 80.5 })), /"80.5"/],
    ['a negative port', () => read([], { HOOKWRIGHT_PORT: '-1' }), /"-1"/],
    ['an empty port', () => read(['--port', '']), /--port .* is ""/],
    ['too few connections', () => read(['--database-connections', '1']), /from 2 to 1000/],
    ['a host that is no ship', () => read(['--ship', 'bob']), /--ship \(HOOKWRIGHT_SHIP\) is "bob".*~zod/],
    [
      'an origin with a path',
      () => read(['--browser-origins', 'https://a.example https://b.example/x']),
      /--browser-origins .* has "https:\/\/b.example\/x".*Give origins/,
    ],
    ['no retention', () => read(['--retention-days', '0']), /from 1 to 36500/],
    ['an endless shutdown', () => read(['--shutdown-seconds', '1e9']), /from 0 to 3600/],
    [
      'a part that does not exist',
      () => read(['--parts', 'web,cron']),
      /--parts .* is "cron".*web, scheduler, listeners/,
    ],
    ['no part', () => read(['--parts', ' ']), /--parts .* is ""/],
    ['a broker that is none', () => read(['--amqp-url', 'http://u:hush@a']), /not the URL of a RabbitMQ/],
    ['a kind of queue that does not exist', () => read(['--amqp-queue-type', 'x']), /"x".*classic, quorum/],
    ['a log level that does not exist', () => read(['--log-level', 'loud']), /"loud".*trace, debug, info/],
    [
      'a root URL with a path',
      () => read(['--root-url', 'https://a/b']),
      /--root-url is "https:\/\/a\/b".*scheme, host and port/,
    ],
    ['a root URL that is none', () => read(['--root-url', 'example.com']), /--root-url is "example.com"/],
    ['a root URL of another scheme', () => read(['--root-url', 'ftp://a']), /--root-url is "ftp:/],
    ['a root URL with a user', () => read(['--root-url', 'http://me@a']), /--root-url/],
    [
      'a mail server without a sender',
      () => read(['--smtp-url', 'smtp://a']),
      /--mail-from .*is missing.*hooks@example/,
    ],
    ['a sender that is no address', () => read(['--mail-from', 'me']), /--mail-from is "me".*hooks@example/],
    ['two senders', () => read(['--mail-from', 'a@b.c, d@e.f']), /--mail-from is .*one address/],
    ['a sender with a header', () => read(['--mail-from', 'a@b.c\r\nBcc: d@e.f']), /is "a@b.c\\r\\nBcc: d@e.f"/],
    ['a flag that does not exist', () => read(['--prot', '1']), /--prot.*hookwright help serve/],
    ['a flag without its value', () => read(['--port']), /--port.*hookwright help serve/],
    ['an argument too many', () => read(['here']), /here.*hookwright help serve/],
    [
      'a key file that is not there',
      () => read(['--encryption-key-file', '/no/key']),
      /\/no\/key of --encryption-key-file cannot be read.*openssl rand -base64 32/,
    ],
    ['a configuration file that is not there', () => read(['--config', '/no/file']), /\/no\/file cannot be read/],
    ['a configuration file that is no JSON', () => read(fileArgs('{')), /cannot be read.*names of the flags/],
    ['a configuration file that is a list', () => read(fileArgs([])), /is not a JSON object/],
    ['a key that does not exist in the file', () => read(fileArgs({ prot: 1 })), /unknown key "prot".*port, host/],
  ];
  for (const [what, attempt, message] of cases) {
    it(`(${what}) is refused, saying which and what to give`, () => {
      assert.throws(attempt, { code: 'HW_BAD_OPTION', message });
    });
  }
});

describe('the URL of the mail server', () => {
  const from = { HOOKWRIGHT_MAIL_FROM: 'hooks@example.com' };
  const password = 's3cr3t';

  it('that is not one is refused without showing the password', () => {
    for (const url of [
      `http://me:${password}@mail.example.com`,
      `mail.example.com:${password}`,
      `smtp:me:${password}@mail.example.com`,
      `smtp://me:${password}@`,
      `smtp://me:${password}@mail.example.com:99999`,
      `smtp://me:${password}@mail.example.com/inbox`,
      `smtp://me:${password}@mail.example.com?tls=no`,
      `smtp://me:${password}@mail.example.com#x`,
      `smtp://me:${password}/@mail.example.com`,
      `smtp://me:${password}%@mail.example.com`,
      `smtp://:${password}@mail.example.com`,
      `smtp://${password}@mail.example.com`,
      `smtp://me:${password}@mail example com`,
    ]) {
      const show = (error: unknown) => `${error instanceof Error ? (error.stack ?? '') : ''}${JSON.stringify(error)}`;
      assert.throws(
        () => read([], { ...from, HOOKWRIGHT_SMTP_URL: url }),
        (error) => {
          assert.match(show(error), /HW_BAD_OPTION/, url);
          assert.doesNotMatch(show(error), new RegExp(password), url);
          return true;
        },
      );
      assert.throws(
        () => read(['--trust-proxy', '10.0.0.0/8 nowhere']),
        /--trust-proxy .* has "nowhere".*Give addresses and networks/,
      );
    }
  });

  it('stays hidden also when the file that has it is broken', () => {
    const path = fileOf(`{"smtp-url":"smtp://me:${password}"x}`);
    assert.throws(
      () => read(['--config', path], from),
      ({ message }: Error) => message.includes('is not JSON') && !message.includes(password),
    );
  });

  it('may have a user and a password with any characters, percent-encoded', () => {
    const { smtpUrl } = read([], { ...from, HOOKWRIGHT_SMTP_URL: 'smtps://a%40b:%40%2F%3A%25@mail.example.com' });
    assert.equal(decodeURIComponent(smtpUrl?.password ?? ''), '@/:%');
  });
});

describe('a Taskcluster deployment', () => {
  const token = 's3cr3t-token';
  const certificate = { version: 1, scopes: [], start: 1, expiry: 2, seed: 'x', signature: 'y' };
  const named = {
    TASKCLUSTER_ROOT_URL: 'https://tc.example.com/',
    TASKCLUSTER_CLIENT_ID: 'project/hooks@example.com|1',
    TASKCLUSTER_ACCESS_TOKEN: token,
  };
  const joined = { ...named, HOOKWRIGHT_MODE: 'taskcluster' };

  it('is joined by the mode, never by the variables that every client reads', () => {
    const standalone = read([], { ...named, TASKCLUSTER_CERTIFICATE: 'not even JSON' });
    assert.equal(standalone.mode, 'standalone');
    assert.equal(standalone.deployment, undefined);
    assert.deepEqual(standalone.idle, [
      'TASKCLUSTER_ROOT_URL',
      'TASKCLUSTER_CLIENT_ID',
      'TASKCLUSTER_ACCESS_TOKEN',
      'TASKCLUSTER_CERTIFICATE',
    ]);
    assert.deepEqual(read(['--taskcluster-client-id', 'x']).idle, ['--taskcluster-client-id']);

    const { mode, deployment, idle } = read(['--mode', 'taskcluster'], named);
    assert.equal(mode, 'taskcluster');
    assert.deepEqual(deployment, {
      rootUrl: new URL('https://tc.example.com'),
      clientId: 'project/hooks@example.com|1',
      accessToken: token,
      certificate: undefined,
    });
    assert.deepEqual(idle, []);
  });

  it('may have its token and certificate in files, which win over the variables', () => {
    const files = {
      'taskcluster-access-token-file': fileOf('  from-a-file\n'),
      'taskcluster-certificate-file': fileOf(certificate),
    };
    const args = Object.entries(files).flatMap(([flag, path]) => [`--${flag}`, path]);
    const byFlags = read(args, { ...joined, TASKCLUSTER_CERTIFICATE: '{' }).deployment;
    assert.equal(byFlags?.accessToken, 'from-a-file');
    assert.deepEqual(byFlags?.certificate, certificate);
    const { TASKCLUSTER_ACCESS_TOKEN: _, ...others } = joined;
    assert.equal(read(fileArgs(files), others).deployment?.accessToken, 'from-a-file');
    const byVariable = read([], { ...joined, TASKCLUSTER_CERTIFICATE: JSON.stringify(certificate) });
    assert.deepEqual(byVariable.deployment?.certificate, certificate);
  });

  for (const [variable, flag] of [
    ['TASKCLUSTER_ROOT_URL', 'taskcluster-root-url'],
    ['TASKCLUSTER_CLIENT_ID', 'taskcluster-client-id'],
    ['TASKCLUSTER_ACCESS_TOKEN', 'taskcluster-access-token-file'],
  ] as const) {
    it(`cannot be joined without ${variable}`, () => {
      assert.throws(() => read([], { ...joined, [variable]: '' }), {
        code: 'HW_BAD_OPTION',
        message: new RegExp(`--mode taskcluster needs --${flag} \\(${variable}\\)`),
      });
    });
  }

  it('that is told wrong is refused, without showing what may be secret', () => {
    const cases: readonly [NodeJS.ProcessEnv, RegExp][] = [
      [{ HOOKWRIGHT_MODE: 'both' }, /--mode \(HOOKWRIGHT_MODE\) is "both".*standalone, taskcluster/],
      [
        { TASKCLUSTER_ROOT_URL: `https://me:${token}@tc.example.com` },
        /--taskcluster-root-url .*https:\/\/tc\.example/,
      ],
      [{ TASKCLUSTER_ROOT_URL: 'https://tc.example.com/api' }, /--taskcluster-root-url/],
      [{ TASKCLUSTER_CLIENT_ID: 'a"b' }, /--taskcluster-client-id/],
      [{ TASKCLUSTER_CERTIFICATE: `{"seed": "${token}"` }, /--taskcluster-certificate-file/],
      [{ TASKCLUSTER_CERTIFICATE: '{}' }, /--taskcluster-certificate-file/],
    ];
    for (const [env, message] of cases) {
      assert.throws(
        () => read([], { ...joined, ...env }),
        (error: Error) => message.test(error.message) && !(error.stack ?? '').includes(token),
        JSON.stringify(env),
      );
    }
  });
});
