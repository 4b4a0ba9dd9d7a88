// Deliveries that the providers' own libraries signed are believed, those of published examples
// too, and nothing that differs from them.
import assert from 'node:assert/strict';
import crypto, { createHmac, generateKeyPairSync, sign as signRaw } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { describe, it, type TestContext } from 'node:test';
import { sign as signAsGithub } from '@octokit/webhooks-methods';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { roundsOf } from '../../../../test/support/test-length.ts';
import { beginCheck } from './begin-check.ts';
import type { SentHeaders } from './headers.ts';
import { newSecret } from './secrets.ts';
import { problemsOfScheme, type SchemeSettings } from './settings.ts';
import { signDelivery } from './sign-delivery.ts';

const NOW = 1_750_000_000_000;
const SECONDS = String(NOW / 1_000);

type Sent = { readonly headers: Record<string, string>; readonly body: string };

const distinct = (headers: Record<string, string>): SentHeaders =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value]]));

const check = async (
  settings: SchemeSettings,
  secrets: readonly string[],
  headers: SentHeaders,
  body: string | Buffer,
  nowMs = NOW,
) => {
  assert.deepEqual(problemsOfScheme(settings, secrets), []);
  const begun = beginCheck(settings, secrets, headers, nowMs);
  if (begun.kind === 'refused') return begun;
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += 7) begun.update(bytes.subarray(at, at + 7));
  return begun.finish();
};

const wordOf = async (...given: Parameters<typeof check>): Promise<string> => {
  const verdict = await check(...given);
  return verdict.kind === 'refused' ? `${verdict.check} ${verdict.header}` : verdict.kind;
};

const BODY = '{"ref":"refs/heads/main","text":"grün ✓"}';
const hex = (secret: string, text: string, algorithm = 'sha256') =>
  createHmac(algorithm, secret).update(text).digest('hex');

const ed = generateKeyPairSync('ed25519');
const whpk = `whpk_${ed.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')}`;
const whsk = `whsk_${ed.privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32).toString('base64')}`;
const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

type Case = {
  readonly settings: SchemeSettings;
  readonly secret: string;
  readonly sent: (body: string) => Promise<Sent>;
};

const hmacSettings = {
  scheme: 'hmac',
  hmac: {
    ...{ header: 'X-Acme-Signature', timestampHeader: 'X-Acme-Time', prefix: 'mac=', encoding: 'base64' },
    ...{ algorithm: 'sha512', signed: 'acme:{timestamp}:{body}:end' },
  },
} as const satisfies SchemeSettings;

/** Signed by what senders use; where they publish nothing that signs, by their description. */
const CASES: Readonly<Record<string, Case>> = {
  standard: {
    ...{ settings: { scheme: 'standard' }, secret: WHSEC },
    sent: async (body) => {
      const signature = new Webhook(WHSEC).sign('msg_1', new Date(NOW), body);
      return { body, headers: { 'webhook-id': 'msg_1', 'webhook-timestamp': SECONDS, 'webhook-signature': signature } };
    },
  },
  'standard, asymmetric': {
    ...{ settings: { scheme: 'standard' }, secret: whpk },
    sent: async (body) => {
      const signature = signRaw(null, Buffer.from(`msg_1.${SECONDS}.${body}`), ed.privateKey).toString('base64');
      const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': SECONDS, 'webhook-signature': `v1a,${signature}` };
      return { body, headers };
    },
  },
  github: {
    ...{ settings: { scheme: 'github' }, secret: 'a secret of github' },
    sent: async (body) => ({
      body,
      headers: { 'x-hub-signature-256': await signAsGithub('a secret of github', body) },
    }),
  },
  gitea: {
    ...{ settings: { scheme: 'gitea' }, secret: 'a secret of gitea' },
    sent: async (body) => ({ body, headers: { 'x-gitea-signature': hex('a secret of gitea', body) } }),
  },
  slack: {
    ...{ settings: { scheme: 'slack' }, secret: '8f742231b10e8888abcd99yyyzzz85a5' },
    sent: async (body) => {
      const signature = `v0=${hex('8f742231b10e8888abcd99yyyzzz85a5', `v0:${SECONDS}:${body}`)}`;
      return { body, headers: { 'x-slack-request-timestamp': SECONDS, 'x-slack-signature': signature } };
    },
  },
  stripe: {
    ...{ settings: { scheme: 'stripe' }, secret: 'whsec_of_stripe' },
    sent: async (body) => {
      const given = { payload: body, secret: 'whsec_of_stripe', timestamp: NOW / 1_000 };
      return { body, headers: { 'stripe-signature': Stripe.webhooks.generateTestHeaderString(given) } };
    },
  },
  hmac: {
    ...{ settings: hmacSettings, secret: 'a secret of acme' },
    sent: async (body) => {
      const mac = createHmac('sha512', 'a secret of acme').update(`acme:${SECONDS}:${body}:end`).digest('base64');
      return { body, headers: { 'x-acme-signature': `mac=${mac}`, 'x-acme-time': SECONDS } };
    },
  },
};

const TOKENS: Readonly<Record<string, Case>> = {
  gitlab: {
    ...{ settings: { scheme: 'gitlab' }, secret: 'a-secret-of-gitlab' },
    sent: async (body) => ({ body, headers: { 'x-gitlab-token': 'a-secret-of-gitlab' } }),
  },
  bearer: {
    ...{ settings: { scheme: 'bearer' }, secret: 'a-secret-of-alertmanager' },
    sent: async (body) => ({ body, headers: { authorization: 'Bearer a-secret-of-alertmanager' } }),
  },
  basic: {
    ...{ settings: { scheme: 'basic' }, secret: 'Aladdin:open sesame' },
    // The example of RFC 7617.
    sent: async (body) => ({ body, headers: { authorization: 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==' } }),
  },
};

const changesOf = (text: string): string[] =>
  [
    ...Array.from(text, (character, at) => `${text.slice(0, at)}${character === '0' ? '1' : '0'}${text.slice(at + 1)}`),
    ...Array.from(text, (_, at) => text.slice(0, at) + text.slice(at + 1)),
    ...[`${text} `, ` ${text}`, text + text, `${text},${text}`, text.slice(0, -1), ''],
    ...[Buffer.from(text).toString('base64'), encodeURIComponent(text), text.replaceAll('=', '')],
  ].filter((changed) => changed !== text);

for (const [name, { settings, secret, sent }] of Object.entries({ ...CASES, ...TOKENS })) {
  describe(`a delivery under the scheme ${name}`, () => {
    const isRefused = async (headers: SentHeaders, body: string | Buffer, why: string) =>
      assert.notEqual(await wordOf(settings, [secret], headers, body), 'verified', why);

    it('is believed as its sender signs it, with any body, and with one of two secrets', async () => {
      const body = fc.oneof(fc.constant(BODY), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }));
      await fc.assert(
        fc.asyncProperty(body, fc.boolean(), async (text, isFirst) => {
          const { headers } = await sent(text);
          const other = newSecret(settings.scheme);
          const secrets = isFirst ? [secret, other] : [other, secret];
          assert.equal(await wordOf(settings, secrets, distinct(headers), text), 'verified');
          assert.match(await wordOf(settings, [other], distinct(headers), text), /^wrong /);
        }),
        { numRuns: roundsOf(60) },
      );
    });

    it('is refused when a header is changed, removed, doubled or written in another way', async () => {
      const { headers, body } = await sent(BODY);
      const right = distinct(headers);
      for (const [header, value] of Object.entries(headers)) {
        await isRefused({ ...right, [header]: undefined }, body, `without ${header}`);
        await isRefused({ ...right, [header]: [value, value] }, body, `${header} twice`);
        for (const changed of changesOf(value)) await isRefused({ ...right, [header]: [changed] }, body, changed);
        const upper = value.toUpperCase();
        if (/[a-z]/.test(value)) await isRefused({ ...right, [header]: [upper] }, body, upper);
      }
    });

    it('is refused under every other scheme', async () => {
      const { headers, body } = await sent(BODY);
      for (const [other, { settings: theirs, secret: its }] of Object.entries({ ...CASES, ...TOKENS })) {
        if (theirs.scheme === settings.scheme) continue;
        assert.notEqual(await wordOf(theirs, [its], distinct(headers), body), 'verified', other);
      }
    });
  });
}

for (const [name, { settings, secret, sent }] of Object.entries(CASES)) {
  describe(`a signature under the scheme ${name}`, () => {
    it('holds for no other body', async () => {
      const { headers, body } = await sent(BODY);
      const bytes = Buffer.from(body);
      const others = [
        ...Array.from(bytes, (byte, at) => Buffer.from(bytes).fill(byte ^ 1, at, at + 1)),
        ...Array.from(bytes, (_, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])),
        ...[Buffer.alloc(0), Buffer.concat([bytes, bytes]), Buffer.from(`${body}\n`), Buffer.from(`\uFEFF${body}`)],
        ...[Buffer.from(JSON.stringify(JSON.parse(body), null, 1)), Buffer.from(body, 'utf16le')],
      ];
      for (const other of others) assert.match(await wordOf(settings, [secret], distinct(headers), other), /^wrong /);
    });

    it('marks copies by one key, and other deliveries by others', async () => {
      const keyOf = async (body: string, rename: Record<string, string> = {}) => {
        const { headers } = await sent(body);
        const verdict = await check(settings, [secret], distinct({ ...headers, ...rename }), body);
        assert.equal(verdict.kind, 'verified');
        return verdict.kind === 'verified' ? verdict.replayKey?.toString('hex') : undefined;
      };
      assert.equal(await keyOf(BODY), await keyOf(BODY));
      assert.equal(await keyOf(BODY), await keyOf(BODY, { 'x-github-delivery': 'another' }), 'an id is not signed');
      const isById = settings.scheme === 'standard';
      assert.equal((await keyOf(BODY)) === (await keyOf('{}')), isById);
    });

    it('keeps its key when another of two secrets is the first', async () => {
      const { headers, body } = await sent(BODY);
      const other = newSecret(settings.scheme);
      const [one, two] = await Promise.all(
        [
          [secret, other],
          [other, secret],
        ].map((secrets) => check(settings, secrets, distinct(headers), body)),
      );
      assert.deepEqual(one, two);
    });
  });
}

describe('a time stamp', () => {
  const stamped = Object.entries(CASES).filter(([name]) => !['github', 'gitea'].includes(name));
  for (const [name, { settings, secret, sent }] of stamped) {
    it(`of ${name} is good for the tolerance, and not a second longer on either side`, async () => {
      const { headers, body } = await sent(BODY);
      const at = async (ms: number, toleranceSeconds?: number) => {
        const given = toleranceSeconds === undefined ? settings : { ...settings, toleranceSeconds };
        return (await wordOf(given, [secret], distinct(headers), body, NOW + ms)).split(' ')[0];
      };
      const around = (ms: number, toleranceSeconds?: number) =>
        Promise.all([-ms - 1, -ms, ms, ms + 1].map((moment) => at(moment, toleranceSeconds)));
      const expected = ['too-new', 'verified', 'verified', 'too-old'];
      assert.deepEqual(await around(300_000), expected);
      assert.deepEqual(await around(10_000, 10), expected);
    });
  }

  it('says how long a copy is to be known: twice the tolerance, and a day without one', async () => {
    const rememberMs = async ({ settings, secret, sent }: Case) => {
      const { headers, body } = await sent(BODY);
      const verdict = await check({ ...settings, toleranceSeconds: 60 }, [secret], distinct(headers), body);
      return verdict.kind === 'verified' && verdict.rememberMs;
    };
    assert.equal(await rememberMs(CASES.slack as Case), 120_000);
    assert.equal(await rememberMs(CASES.github as Case), 86_400_000);
  });

  it('of a generic signature may count seconds or milliseconds, or be written out', async () => {
    const scheme = {
      scheme: 'hmac',
      hmac: { header: 'x-s', timestampHeader: 'x-t', signed: 'timestamp.body' },
    } as const;
    const word = (stamp: string) =>
      wordOf(scheme, ['a secret'], distinct({ 'x-t': stamp, 'x-s': hex('a secret', `${stamp}.{}`) }), '{}');
    for (const stamp of [SECONDS, String(NOW), '2025-06-15T15:06:40Z', '2025-06-15T15:06:40.000Z']) {
      assert.equal(await word(stamp), 'verified', stamp);
    }
    for (const stamp of [`0${SECONDS}`, `+${SECONDS}`, `${SECONDS}.0`, '1.75e9', '0x684ee180', 'now', '2025-06-15']) {
      assert.equal(await word(stamp), 'malformed x-t', stamp);
    }
  });
});

describe('a published example is believed:', () => {
  it('Standard Webhooks', async () => {
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    const at = 1_614_265_330_000;
    assert.equal(
      await wordOf({ scheme: 'standard' }, [WHSEC], distinct(headers), '{"test": 2432232314}', at),
      'verified',
    );
    const asSvix = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.replace('webhook', 'svix'), value]),
    );
    assert.equal(
      await wordOf({ scheme: 'standard' }, [WHSEC], distinct(asSvix), '{"test": 2432232314}', at),
      'verified',
    );
  });

  it('GitHub', async () => {
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    const secret = "It's a Secret to Everybody";
    const word = await wordOf({ scheme: 'github' }, [secret], { 'x-hub-signature-256': [signature] }, 'Hello, World!');
    assert.equal(word, 'verified');
  });

  it('Slack', async () => {
    const body =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar' +
      '&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com' +
      '%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
    const headers = {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    };
    const secret = '8f742231b10e8888abcd99yyyzzz85a5';
    assert.equal(await wordOf({ scheme: 'slack' }, [secret], distinct(headers), body, 1_531_420_618_000), 'verified');
  });
});

describe('several signatures', () => {
  const [standard, stripe] = [CASES.standard as Case, CASES.stripe as Case];
  const standardWith = async (change: (signature: string) => string, secrets = [WHSEC]) => {
    const { headers, body } = await standard.sent(BODY);
    const signature = change(headers['webhook-signature'] as string);
    return wordOf({ scheme: 'standard' }, secrets, distinct({ ...headers, 'webhook-signature': signature }), body);
  };
  const other = `v1,${Buffer.alloc(32).toString('base64')}`;

  it('of Standard Webhooks are each tried; versions that nobody knows are left alone', async () => {
    assert.equal(
      await standardWith((right) => `${other} v1a,${Buffer.alloc(64).toString('base64')} ${right}`),
      'verified',
    );
    assert.equal(await standardWith((right) => `v2,whatever ${right}`), 'verified');
    assert.equal(await standardWith((right) => right, [whpk, WHSEC]), 'verified');
    assert.equal(await standardWith((right) => right, [whpk]), 'wrong webhook-signature');
    assert.equal(await standardWith(() => 'v2,whatever'), 'malformed webhook-signature');
  });

  it('are few', async () => {
    assert.equal(await standardWith((right) => `${`${other} `.repeat(9)}${right}`), 'verified');
    assert.equal(await standardWith((right) => `${right}${` ${other}`.repeat(10)}`), 'malformed webhook-signature');
    const eds = ` v1a,${Buffer.alloc(64).toString('base64')}`;
    assert.equal(await standardWith((right) => `${right}${eds.repeat(5)}`), 'malformed webhook-signature');
  });

  it('of Stripe are each tried, with one time stamp; other versions are left alone', async () => {
    const { headers, body } = await stripe.sent(BODY);
    const right = headers['stripe-signature'] as string;
    const word = (value: string) => wordOf(stripe.settings, [stripe.secret], { 'stripe-signature': [value] }, body);
    assert.equal(await word(`${right},v1=${'0'.repeat(64)},v0=x`), 'verified');
    assert.equal(await word(right.replace(',', `,v1=${'0'.repeat(64)},`)), 'verified');
    assert.equal(await word(`${right},t=${SECONDS}`), 'malformed stripe-signature');
    assert.equal(await word(right.replace('v1=', 'v0=')), 'malformed stripe-signature');
  });

  it('of Gitea under several names must agree', async () => {
    const right = hex('a secret of gitea', BODY);
    const word = (headers: Record<string, string>) =>
      wordOf({ scheme: 'gitea' }, ['a secret of gitea'], distinct(headers), BODY);
    assert.equal(await word({ 'x-gitea-signature': right, 'x-gogs-signature': right }), 'verified');
    assert.equal(await word({ 'x-forgejo-signature': right, 'x-gogs-signature': right }), 'verified');
    assert.equal(
      await word({ 'x-gitea-signature': right, 'x-gogs-signature': '0'.repeat(64) }),
      'malformed x-gitea-signature',
    );
  });
});

describe('how long a check takes', () => {
  /** How often something was compared in constant time. */
  const comparisonsOf = async (t: TestContext, ...given: Parameters<typeof check>): Promise<number> => {
    const compare = t.mock.method(crypto, 'timingSafeEqual');
    syncBuiltinESMExports();
    try {
      await check(...given);
      return compare.mock.callCount();
    } finally {
      compare.mock.restore();
      syncBuiltinESMExports();
    }
  };

  it('does not depend on which secret or signature is right, if any', async (t) => {
    const { headers, body } = await (CASES.standard as Case).sent(BODY);
    const right = headers['webhook-signature'] as string;
    const wrong = `v1,${Buffer.alloc(32).toString('base64')}`;
    const other = newSecret('standard');
    const counts = new Set<number>();
    for (const signatures of [`${right} ${wrong}`, `${wrong} ${right}`, `${wrong} ${wrong}`]) {
      for (const secrets of [
        [WHSEC, other],
        [other, WHSEC],
      ]) {
        const sent = distinct({ ...headers, 'webhook-signature': signatures });
        counts.add(await comparisonsOf(t, { scheme: 'standard' }, secrets, sent, body));
      }
    }
    assert.deepEqual([...counts], [4], 'two secrets, two signatures');
  });

  it('does not depend on which token is right, if any', async (t) => {
    for (const token of ['the-first-one', 'the-second-one', 'another-one', 't']) {
      const sent = distinct({ 'x-gitlab-token': token });
      const count = await comparisonsOf(t, { scheme: 'gitlab' }, ['the-first-one', 'the-second-one'], sent, BODY);
      assert.equal(count, 2, token);
    }
  });
});

describe('a delivery that nothing signs', () => {
  const keyOf = async (settings: SchemeSettings, secrets: string[], headers: Record<string, string>, body: string) => {
    const verdict = await check(settings, secrets, distinct(headers), body);
    return verdict.kind === 'verified' ? verdict.replayKey?.toString('hex') : assert.fail(verdict.check);
  };

  it('is an event of its own unless its sender gives it an id', async () => {
    const bearer = { authorization: 'bearer a-secret-of-alertmanager' };
    assert.equal(await keyOf({ scheme: 'bearer' }, ['a-secret-of-alertmanager'], bearer, BODY), undefined);
    const withId = (id: string, body: string) => keyOf({ scheme: 'none' }, [], { 'idempotency-key': id }, body);
    assert.equal(await withId('1', BODY), await withId('1', BODY));
    assert.notEqual(await withId('1', BODY), await withId('2', BODY));
    assert.notEqual(await withId('1', BODY), await withId('1', '{}'));
    const type = { 'content-type': 'application/cloudevents+json' };
    assert.ok(await keyOf({ scheme: 'none' }, [], type, BODY), 'a CloudEvent has an id in its body');
  });

  it('names its event and itself in the headers of its system', async () => {
    const headers = {
      'x-gitlab-event': 'Merge Request Hook',
      'x-gitlab-event-uuid': 'u-1',
      'x-gitlab-token': 'a-secret',
    };
    const verdict = await check({ scheme: 'gitlab' }, ['a-secret'], distinct(headers), BODY);
    assert.ok(verdict.kind === 'verified');
    assert.deepEqual([verdict.event, verdict.deliveryId], ['Merge Request Hook', 'u-1']);
  });
});

describe('signDelivery', () => {
  it('signs as what senders use does', async () => {
    for (const [name, { settings, secret, sent }] of Object.entries({ ...CASES, ...TOKENS })) {
      const { headers } = await sent(BODY);
      const ours = signDelivery(settings, secret === whpk ? whsk : secret, {
        body: Buffer.from(BODY),
        id: 'msg_1',
        nowMs: NOW,
      });
      for (const [header, value] of Object.entries(headers)) assert.equal(ours[header], value, `${name}: ${header}`);
      assert.equal(await wordOf(settings, [secret], distinct(ours), BODY), 'verified', name);
    }
  });

  it('signs under any generic settings what the check believes', async () => {
    const settings = fc.record({
      header: fc.constantFrom('X-Signature', 'Authorization'),
      algorithm: fc.constantFrom('sha1' as const, 'sha256' as const, 'sha512' as const),
      prefix: fc.constantFrom('', 'sha=', 'HMAC:'),
      encoding: fc.constantFrom('hex' as const, 'base64' as const),
      signed: fc.constantFrom('body', 'timestamp.body', '{body}{timestamp}', 'v0:{timestamp}:{body}', '$&{body}$1'),
    });
    await fc.assert(
      fc.asyncProperty(settings, fc.uint8Array({ maxLength: 100 }), async (hmac, bytes) => {
        const isStamped = hmac.signed.includes('timestamp');
        const whole = { scheme: 'hmac' as const, hmac: { ...hmac, ...(isStamped && { timestampHeader: 'X-Time' }) } };
        const headers = signDelivery(whole, 'a secret', { body: bytes, id: 'x', nowMs: NOW });
        assert.equal(await wordOf(whole, ['a secret'], distinct(headers), Buffer.from(bytes)), 'verified');
      }),
      { numRuns: roundsOf(100) },
    );
  });
});
