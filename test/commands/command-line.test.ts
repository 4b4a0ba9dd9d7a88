// The command line itself: help, completion, wrong calls, pipes, colours, errors, config check. No
// server is needed for most of it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Option } from '../../src/commands/cli/command.ts';
import { COMMANDS } from '../../src/commands/command-table.ts';
import { startSmtpServer } from '../../src/mail/test-support/smtp-server.ts';
import { startDeployment } from '../support/deployment.ts';
import { RABBITMQ_URL, WITHOUT_RABBITMQ } from '../support/rabbitmq.ts';
import { MAIN } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';
import { cleanEnvironment, follow, GREETING, LAUNCHER, newWorld, PROJECT, type World } from './command-world.ts';

let world: World;
const undo = new AsyncDisposableStack();
before(async () => {
  world = await newWorld(lastFirst({ after: (step) => undo.defer(step) }));
});
after(() => undo.disposeAsync());

const MANY_CALLS = fileURLToPath(new URL('many-calls.ts', import.meta.url));

/** What each of them writes, called in one process. */
const callMany = async (calls: readonly (readonly string[])[]): Promise<readonly string[]> => {
  const args = [MANY_CALLS, MAIN, ...calls.map((words) => JSON.stringify(words))];
  const child = spawn(process.execPath, args, { cwd: world.folder, env: cleanEnvironment(world.folder) });
  const { status, out, err } = await follow(child).end;
  assert.deepEqual([status, err], [0, '']);
  return JSON.parse(out) as string[];
};

describe('help', () => {
  it('lists every command, and describes each with its arguments and options', async () => {
    const all = await world.succeed(['help']);
    for (const entry of COMMANDS) {
      const words = entry.words.join(' ');
      assert.match(all, new RegExp(`^ {2}${words} +${entry.summary.replace(/[.*+?]/g, '\\$&')}$`, 'm'));
      assert.match(entry.summary, /^[A-Z][^.]*[^.]$/, words);
    }
    const calls = COMMANDS.flatMap(({ words }) => [
      ['help', ...words],
      [...words, '--help'],
    ]);
    const texts = await callMany(calls);
    for (const [at, entry] of COMMANDS.entries()) {
      const [text = '', same] = texts.slice(2 * at);
      assert.ok(text.startsWith(`hookwright ${entry.words.join(' ')}`), text);
      const options: readonly Option[] = entry.kind === 'own' ? [] : entry.options;
      for (const { name } of options) assert.match(text, new RegExp(`^ {2}--${name}\\b`, 'm'));
      if (entry.kind === 'own')
        for (const { name } of await entry.options())
          if (entry.words[0] !== 'config') assert.ok(text.includes(`--${name}`), name);
      assert.equal(same, text);
    }
  });

  it('of a noun lists its commands; the noun alone is a wrong call', async () => {
    const help = await world.succeed(['help', 'hooks']);
    assert.match(help, /^hookwright hooks COMMAND[\s\S]*hooks create/);
    assert.doesNotMatch(help, /clients/);
    assert.deepEqual(await world.run(['hooks']), { status: 2, out: '', err: help });
    assert.equal(await world.succeed(['hooks', '--help']), help);
    assert.match(await world.succeed([]), /^Hookwright /);
  });
});

describe('a wrong call', () => {
  it('ends with 2, says what is wrong and how to call, and no secret', async () => {
    const cases: [string[], RegExp][] = [
      [['nonsense'], /There is no command "nonsense"/],
      [['hooks', 'nonsense'], /There is no command "hooks nonsense"/],
      [['help', 'hooks', 'nonsense'], /There is no command "hooks nonsense"/],
      [['hooks', 'show'], /GROUP\/HOOK is missing\. See: hookwright help hooks show/],
      [['hooks', 'show', 'a/b', 'c'], /"c" is one argument too many/],
      [['hooks', 'show', 'a/b', '--nope'], /--nope.*See: hookwright help hooks show/],
      [['hooks', 'show', 'ab'], /"ab" is not the name of a hook/],
      [['hooks', 'show', 'a/../b'], /is not the name of a hook/],
      [['hooks', 'list', '..'], /"\.\." cannot be a GROUP/],
      [['hooks', 'list', ''], /GROUP is empty/],
      [['hooks', 'fires', 'a/b', '--limit', '0'], /--limit is "0"/],
      [['roles', 'grant', 'r'], /No scope is given/],
      [['completion', 'tcsh'], /no completion for "tcsh"\. Known are: bash, zsh, fish/],
      [['whoami', '--access-token', 'SECRET'], /--access-token is no option: .* others can read/],
      [['whoami', '--token=SECRET'], /--token is no option/],
      [['whoami', '--root-url', 'nonsense'], /./],
    ];
    const check = async ([args, message]: (typeof cases)[number]) => {
      const { status, out, err } = await world.run(args, {
        env: { TASKCLUSTER_CLIENT_ID: 'x', TASKCLUSTER_ACCESS_TOKEN: 'y' },
      });
      assert.deepEqual([status, out], [2, ''], `${args.join(' ')}: ${err}`);
      assert.match(err, /^hookwright: [^\n]* \[HW_\w+\]\n$/, args.join(' '));
      assert.match(err, message);
      assert.doesNotMatch(err, /SECRET/);
    };
    for (let at = 0; at < cases.length; at += 4) await Promise.all(cases.slice(at, at + 4).map(check));
  });

  it('with --json is told in JSON', async () => {
    const { err } = await world.run(['hooks', 'show', 'nonsense', '--json']);
    const { error } = JSON.parse(err) as { error: { code: string; what: string } };
    assert.equal(error.code, 'HW_BAD_OPTION');
    const refused = await world.run(['hooks', 'show', 'no/hook', '--json']);
    const { where, cure, code } = JSON.parse(refused.err).error;
    assert.deepEqual(
      [refused.status, code, where],
      [3, 'ResourceNotFound', `hook no/hook, at ${world.server.url} as root`],
    );
    assert.match(cure, /hookwright hooks list/);
  });
});

describe('a server that does not answer as it should', () => {
  it('is told apart from one that refuses: status 5', async (t) => {
    const answers = createServer((request, response) => {
      if (request.url?.includes('redirect')) return response.writeHead(302, { location: '/' }).end();
      if (request.url?.includes('page')) return response.writeHead(404).end('<html>');
      if (request.url?.includes('broken')) return response.destroy();
      return response.end('<html>');
    });
    answers.listen(0, '127.0.0.1');
    await once(answers, 'listening');
    t.after(() => void answers.close());
    const { port } = answers.address() as AddressInfo;
    const env = { TASKCLUSTER_CLIENT_ID: 'x', TASKCLUSTER_ACCESS_TOKEN: 'secret' };
    for (const group of ['redirect', 'page', 'broken', 'other']) {
      const args = ['hooks', 'list', group, '--root-url', `http://127.0.0.1:${port}`];
      const { status, err } = await world.run(args, { env });
      assert.equal(status, 5, err);
      assert.match(
        err,
        /^hookwright: [^\n]+[.?] \[\w+\]\n {2}where: hook \w+, at http:\S+ as x\n {2}cure: {2}.+\n$/,
        group,
      );
    }
    answers.closeAllConnections();
    answers.close();
    await once(answers, 'close');
    const { status, err } = await world.run(['hooks', 'list', '--root-url', `http://127.0.0.1:${port}`], { env });
    assert.equal(status, 5);
    assert.match(err, /^hookwright: The server cannot be reached: nothing listens there\. /);
  });
});

describe('output', () => {
  it('to a reader that has seen enough is no error', async () => {
    const many = {
      input: JSON.stringify({ ...GREETING, metadata: { ...GREETING.metadata, description: 'x'.repeat(30_000) } }),
    };
    for (const id of ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8'])
      await world.succeed(['hooks', 'create', `pipe/${id}`, '-'], many);
    const script = `set -o pipefail; '${process.execPath}' '${LAUNCHER}' hooks list pipe --json | head -1`;
    const child = spawn('bash', ['-c', script], { cwd: world.folder, env: cleanEnvironment(world.folder) });
    assert.deepEqual(await follow(child).end, { status: 128 + 13, out: '[\n', err: '' });
  });

  it('that nobody reads is no error of the calls below help either', async () => {
    for (const words of ['help', '--version', 'help serve', 'completion bash', 'config check --port 0', 'whoami']) {
      const script = `set -o pipefail; { sleep 0.2; exec '${process.execPath}' '${LAUNCHER}' ${words}; } | exec true`;
      const child = spawn('bash', ['-c', script], { cwd: world.folder, env: cleanEnvironment(world.folder) });
      assert.deepEqual(await follow(child).end, { status: 128 + 13, out: '', err: '' }, words);
    }
  });

  it('to a disk that is full is an error in words', async (t) => {
    if (!existsSync('/dev/full')) return t.skip('there is no /dev/full here');
    const script = `'${process.execPath}' '${LAUNCHER}' hooks list > /dev/full`;
    const child = spawn('bash', ['-c', script], { cwd: world.folder, env: cleanEnvironment(world.folder) });
    const { status, err } = await follow(child).end;
    assert.deepEqual([status, err.split(': ')[1]], [1, 'Standard output cannot be written']);
    assert.match(err, /^[^\n]+no space is left on the device[^\n]+\[HW_OUTPUT_LOST\]\n$/);
  });

  it('on a standard error that is lost leaves the status as it is', async () => {
    for (const [where, words, status] of [
      ['2>&1 >/dev/null | exec true', 'hooks show no/hook', 3],
      ['2>&-', 'hooks nonsense', 2],
      ['2>/dev/full', 'hooks show no/hook', 3],
      ['2>/dev/full', `backup '${join(world.folder, 'unsaid.backup')}'`, 0],
    ] as const) {
      const script = `set -o pipefail; '${process.execPath}' '${LAUNCHER}' ${words} ${where}`;
      const child = spawn('bash', ['-c', script], { cwd: world.folder, env: cleanEnvironment(world.folder) });
      assert.equal((await follow(child).end).status, status, `${words} ${where}`);
    }
  });

  it('has colours on a terminal only, and not with NO_COLOR', async (t) => {
    if (process.platform !== 'linux') return t.skip('script(1) has other options here');
    const onTerminal = async (more: NodeJS.ProcessEnv) => {
      const command = `'${process.execPath}' '${LAUNCHER}' whoami`;
      const env = { ...cleanEnvironment(world.folder), TERM: 'xterm', ...more };
      const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: world.folder, env });
      return (await follow(child).end).out;
    };
    assert.match(await onTerminal({}), /\x1b\[2mclient/);
    assert.doesNotMatch(await onTerminal({ NO_COLOR: '1' }), /\x1b/);
    assert.doesNotMatch(await onTerminal({ TERM: 'dumb' }), /\x1b/);
    assert.doesNotMatch(await world.succeed(['whoami']), /\x1b/);
  });

  it('from others cannot steer the terminal', async () => {
    const metadata = { ...GREETING.metadata, name: 'a\x1b[2J\x9bb\nc' };
    await world.succeed(['hooks', 'create', 'steer/hook', '-'], { input: JSON.stringify({ ...GREETING, metadata }) });
    for (const args of [
      ['list', 'steer'],
      ['show', 'steer/hook'],
      ['show', 'steer/hook', '--json'],
    ]) {
      assert.doesNotMatch(await world.succeed(['hooks', ...args]), /[\x1b\x9b]/, args.join(' '));
    }
    assert.match(await world.succeed(['hooks', 'list', 'steer']), /a\\x1b\[2J\\x9bb c\n$/);
  });
});

describe('completion', () => {
  const complete = async (line: string): Promise<string[]> => {
    await writeFile(join(world.folder, 'completion.bash'), await world.succeed(['completion', 'bash']));
    const words = line.split(' ');
    const script = `. ./completion.bash
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_hookwright; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const child = spawn('bash', ['--norc', '-c', script], { cwd: world.folder, env: cleanEnvironment(world.folder) });
    const { out, err } = await follow(child).end;
    assert.equal(err, '');
    return out.split('\n').filter((word) => word !== '');
  };

  it('of bash knows commands, options and files', async () => {
    await mkdir(join(world.folder, 'files'));
    await writeFile(join(world.folder, 'files/hook.yaml'), '');
    await writeFile(join(world.folder, 'files/a b.yaml'), '');
    assert.deepEqual(await complete('hookwright ho'), ['hooks']);
    assert.deepEqual(await complete('hookwright hooks t'), ['trigger', 'token']);
    assert.deepEqual(await complete('hookwright hooks fires a/b --f'), ['--follow']);
    assert.deepEqual(await complete('hookwright --json hooks fires a/b --l'), ['--limit']);
    assert.deepEqual(await complete('hookwright hooks create a/b files/h'), ['files/hook.yaml']);
    assert.deepEqual(await complete('hookwright hooks create a/b files/a'), ['files/a b.yaml']);
    assert.deepEqual(await complete('hookwright hooks list --data fil'), ['files']);
    assert.deepEqual(await complete('hookwright hooks list --root-url ho'), []);
    assert.deepEqual(await complete('hookwright help wh'), ['whoami']);
    assert.deepEqual(await complete('hookwright completion z'), ['zsh']);
    assert.ok((await complete('hookwright serve --')).includes('--port'));
  });

  it('of each shell is a program that the shell can read, with every command in it', async (t) => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const script = await world.succeed(['completion', shell]);
      for (const { words } of COMMANDS)
        assert.ok(script.includes(`'${words.join(' ')}'`) || script.includes(words.join(' ')), shell);
      await writeFile(join(world.folder, `completion.${shell}`), script);
      const child = spawn(shell, ['-n', join(world.folder, `completion.${shell}`)]);
      child.on('error', () => t.diagnostic(`${shell} is not installed here`));
      if (child.pid === undefined) continue;
      const { status, err } = await follow(child).end;
      assert.deepEqual([status, err], [0, ''], shell);
    }
  });
});

describe('config check', () => {
  const check = async (args: string[], env: NodeJS.ProcessEnv = {}) => {
    const result = await world.run(['config', 'check', '--json', ...args], { env });
    type Report = { isGood: boolean; findings: { what: string; isGood: boolean; says: string; code?: string }[] };
    return { ...result, report: JSON.parse(result.out) as Report };
  };

  it('of what is good says so, beside a server that runs, and makes nothing', async () => {
    const good = await check(['--port', '0']);
    assert.deepEqual([good.status, good.report.isGood], [0, true], good.out);
    const fresh = await check(['--port', '0', '--data', 'fresh/data']);
    assert.equal(fresh.status, 0);
    assert.match(fresh.out, /the first start will make it/);
    assert.ok(!(await readdir(world.folder)).includes('fresh'));
  });

  it('names each thing that is wrong', async () => {
    await writeFile(join(world.folder, 'key'), 'bm90IDMyIGJ5dGVz');
    const otherKey = Buffer.alloc(32, 1).toString('base64');
    const cases: [string[], NodeJS.ProcessEnv, number, string[]][] = [
      [['--port', new URL(world.server.url).port], {}, 1, ['HW_PORT_IN_USE']],
      [['--port', '0', '--host', '203.0.113.1'], {}, 1, ['HW_CANNOT_LISTEN']],
      [['--port', '0', '--encryption-key-file', 'key'], {}, 1, ['HW_BAD_ENCRYPTION_KEY', 'HW_BAD_ENCRYPTION_KEY']],
      [['--port', '0'], { HOOKWRIGHT_ENCRYPTION_KEY: otherKey }, 1, ['HW_WRONG_ENCRYPTION_KEY']],
      [['--port', '0'], { DATABASE_URL: 'postgres://user:SECRET@127.0.0.1:1/x' }, 1, ['HW_DATABASE_UNREACHABLE']],
      [['--port', '0', '--data', join(PROJECT, 'package.json')], {}, 1, []],
      [['--port', '99999'], {}, 2, ['HW_BAD_OPTION']],
    ];
    for (const [args, env, status, codes] of cases) {
      const { report, out, ...result } = await check(args, env);
      assert.equal(result.status, status, out);
      assert.equal(report.isGood, false);
      const found = report.findings.flatMap(({ code }) => code ?? []);
      if (codes.length > 0) assert.deepEqual(found, codes, out);
      assert.doesNotMatch(out, /SECRET/);
    }
  });

  it('logs in where mail and messages go, and shows no password', async (t) => {
    const smtp = await startSmtpServer(t, { login: { user: 'me', password: 'SECRET' } });
    const mail = (userInfo: string, port = smtp.port) => ({
      HOOKWRIGHT_SMTP_URL: `smtp://${userInfo}127.0.0.1:${port}`,
      HOOKWRIGHT_MAIL_FROM: 'hooks@example.com',
    });
    const says = async (env: NodeJS.ProcessEnv, what: string) => {
      const { report, out, err } = await check(['--port', '0'], env);
      assert.doesNotMatch(out + err, /SECRET|SESAME/);
      const finding = report.findings.find((one) => one.what === what);
      return `${finding?.isGood} ${finding?.code ?? ''} ${finding?.says}`;
    };
    assert.equal(await says({}, 'mail'), 'true  none is sent');
    assert.equal(await says(mail('me:SECRET@'), 'mail'), `true  by 127.0.0.1:${smtp.port}, which takes the login`);
    assert.match(
      await says(mail('me:SESAME@'), 'mail'),
      /^false {2}127\.0\.0\.1:\d+: the mail server refused the login with 535$/,
    );
    assert.match(
      await says(mail('', 1), 'mail'),
      /^false {2}127\.0\.0\.1:1: the mail server does not answer as it should: .*ECONNREFUSED/,
    );
    assert.deepEqual(smtp.mails, [], 'nothing was sent');
    assert.equal(await says({}, 'messages'), 'true  by the broker in the database');
    const refused = await says({ AMQP_URL: 'amqp://me:SECRET@127.0.0.1:1' }, 'messages');
    assert.match(refused, /^false HW_AMQP_UNREACHABLE RabbitMQ at 127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/);
  });

  it('logs in to RabbitMQ', { skip: WITHOUT_RABBITMQ }, async () => {
    const { report, out } = await check(['--port', '0'], { AMQP_URL: RABBITMQ_URL });
    assert.match(out, /"RabbitMQ at [\w.-]+:\d+ answers"/);
    assert.equal(report.isGood, true);
    const wrong = new URL(RABBITMQ_URL);
    wrong.password = 'SECRET';
    const refused = await check(['--port', '0'], { AMQP_URL: wrong.href });
    assert.equal(refused.status, 1);
    assert.match(refused.out, /"HW_AMQP_REFUSED"/);
    assert.doesNotMatch(refused.out + refused.err, /SECRET/);
  });

  it('asks the deployment who the server is there', async (t) => {
    const deployment = await startDeployment(lastFirst(t));
    deployment.clients.set('me', { accessToken: 'SECRET', scopes: ['assume:hook-id:*'] });
    deployment.clients.set('nobody', { accessToken: 'SECRET', scopes: [] });
    const says = async (env: NodeJS.ProcessEnv) => {
      const { report, out, err } = await check(['--port', '0', '--mode', 'taskcluster'], env);
      assert.doesNotMatch(out + err, /SECRET/);
      const { isGood, says } = report.findings.find(({ what }) => what === 'deployment') ?? assert.fail(out);
      return `${isGood} ${says}`;
    };
    assert.equal(await says(deployment.environment('me')), `true ${deployment.rootUrl} as me`);
    assert.match(
      await says(deployment.environment('nobody')),
      /^false .* as nobody, who lacks the scope assume:hook-id:\*/,
    );
    deployment.clients.delete('me');
    const unknown = { ...deployment.environment('nobody'), TASKCLUSTER_CLIENT_ID: 'me' };
    assert.match(await says(unknown), /^false .*/);
  });
});
