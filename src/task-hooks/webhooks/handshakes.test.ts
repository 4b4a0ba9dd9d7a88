// What senders ask before they send is answered in plain text, and only to who may ask.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerChallenge, answerOptions, answerSlack, answerValidation } from './handshakes.ts';

const query = (text: string) => new URLSearchParams(text);
const subscribe = (more: string) => query(`hub.mode=subscribe&hub.challenge=1158201444&${more}`);
const TOKEN = 'a verify token';

describe('a handshake', () => {
  it('of WebSub or Meta is answered to who knows the verify token', () => {
    const answer = answerChallenge(subscribe(`hub.verify_token=${TOKEN}`), TOKEN);
    assert.deepEqual([answer?.status, answer?.body], [200, '1158201444']);
    for (const wrong of [
      '',
      'hub.verify_token=',
      'hub.verify_token=another',
      `hub.verify_token=${TOKEN}&hub.verify_token=x`,
    ]) {
      assert.equal(answerChallenge(subscribe(wrong), TOKEN)?.status, 403, wrong);
    }
    assert.equal(answerChallenge(subscribe(`hub.verify_token=${TOKEN}`), undefined)?.status, 403);
    assert.equal(answerChallenge(query(`hub.mode=subscribe&hub.verify_token=${TOKEN}`), TOKEN)?.status, 403);
    assert.equal(answerChallenge(query('hub.challenge=1'), TOKEN), undefined);
  });

  it('of CloudEvents allows the origin that asks', () => {
    const answer = answerOptions({ 'webhook-request-origin': ['eventemitter.example.com'] });
    assert.equal(answer?.headers['webhook-allowed-origin'], 'eventemitter.example.com');
    assert.equal(answer?.headers['webhook-allowed-rate'], '*');
    assert.equal(answerOptions({}), undefined);
    assert.equal(answerOptions({ 'webhook-request-origin': ['<script>'] }), undefined);
    assert.equal(answerOptions({ 'webhook-request-origin': ['a', 'b'] }), undefined);
  });

  it('of Microsoft Graph is its token', () => {
    assert.equal(
      answerValidation(query('validationToken=Validation%3A+Testing+client'))?.body,
      'Validation: Testing client',
    );
    assert.equal(answerValidation(query('')), undefined);
  });

  it('of Slack is its challenge, under the scheme of Slack', () => {
    const payload = {
      token: 'x',
      challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P',
      type: 'url_verification',
    };
    assert.equal(answerSlack('slack', payload)?.body, payload.challenge);
    assert.equal(answerSlack('github', payload), undefined);
    assert.equal(answerSlack('slack', { ...payload, type: 'event_callback' }), undefined);
    assert.equal(answerSlack('slack', { type: 'url_verification', challenge: 7 }), undefined);
    assert.equal(answerSlack('slack', []), undefined);
  });

  it('never makes a page of what was sent, and sends back little', () => {
    const page = '<script>alert(1)</script>';
    const answer = answerValidation(query(`validationToken=${encodeURIComponent(page)}`));
    assert.match(answer?.headers['content-type'] ?? '', /^text\/plain/);
    assert.equal(answer?.headers['x-content-type-options'], 'nosniff');
    assert.match(answer?.headers['content-security-policy'] ?? '', /default-src 'none'/);
    assert.equal(answerValidation(query(`validationToken=${'x'.repeat(2_001)}`)), undefined);
  });
});
