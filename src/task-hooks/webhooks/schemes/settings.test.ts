// What an owner may say about a scheme, and what is told of what they may not.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newSecret } from './secrets.ts';
import { type HmacSettings, problemsOfScheme, SCHEMES, type SchemeSettings } from './settings.ts';

const one = (settings: SchemeSettings, secrets: readonly string[], problem: RegExp) => {
  const problems = problemsOfScheme(settings, secrets);
  assert.equal(problems.length, 1, problems.join('\n'));
  assert.match(problems[0] as string, problem);
};

describe('a scheme', () => {
  it('takes the secrets that are made for it, one or two', () => {
    for (const scheme of SCHEMES) {
      if (scheme === 'none') continue;
      const settings = { scheme, ...(scheme === 'hmac' && { hmac: { header: 'x-s' } }) };
      const [first, second, third] = [newSecret(scheme), newSecret(scheme), newSecret(scheme)];
      assert.deepEqual(problemsOfScheme(settings, [first]), []);
      assert.deepEqual(problemsOfScheme(settings, [first, second]), []);
      one(settings, [], /needs a secret/);
      one(settings, [first, second, third], /at most 2/);
      one(settings, [first, first], /the same/);
      one(settings, ['short'], /8 to 500/);
    }
    assert.deepEqual(problemsOfScheme({ scheme: 'none' }, []), []);
    one({ scheme: 'none' }, ['a secret of none'], /checks nothing/);
  });

  it('says how a secret is written, and nothing of it', () => {
    const wrong: readonly [SchemeSettings['scheme'], string, RegExp][] = [
      ['standard', 'no base64, to be sure', /whsec_/],
      ['standard', `whsec_${Buffer.alloc(8).toString('base64')}`, /at least 16 bytes/],
      ['standard', `whpk_${Buffer.alloc(31).toString('base64')}`, /32 bytes/],
      ['standard', `whsk_${Buffer.alloc(32).toString('base64')}`, /the public key/],
      ['basic', 'nothing but a password', /colon/],
      ['bearer', 'with a blank', /no blank/],
      ['gitlab', 'mit-Käse-und', /ASCII/],
    ];
    for (const [scheme, secret, problem] of wrong) {
      one({ scheme }, [secret], problem);
      assert.ok(!problemsOfScheme({ scheme }, [secret]).join().includes(secret));
    }
  });
});

describe('generic settings', () => {
  const wrong = (hmac: HmacSettings, problem: RegExp) => one({ scheme: 'hmac', hmac }, ['a secret'], problem);

  it('belong to the scheme hmac, which needs them', () => {
    one({ scheme: 'hmac' }, ['a secret'], /needs "hmac"/);
    one({ scheme: 'github', hmac: { header: 'x-s' } }, ['a secret'], /not to github/);
  });

  it('name what is signed, and a time stamp in both places or in none', () => {
    wrong({ header: 'x-s', signed: 'nothing' }, /\{body\} once/);
    wrong({ header: 'x-s', signed: '{body}{body}' }, /\{body\} once/);
    wrong({ header: 'x-s', signed: '{body}{url}' }, /only/);
    wrong({ header: 'x-s', signed: 'timestamp.body' }, /needs "hmac.timestampHeader"/);
    wrong({ header: 'x-s', timestampHeader: 'x-t' }, /only when it is signed/);
    wrong({ header: 'x-s', timestampHeader: 'X-S', signed: 'timestamp.body' }, /the same/);
  });
});
