// Mail by the deployment's Notify: what cannot be helped is given up, anything else is tried again,
// and what a hook says stays text.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MailRefused } from '../../src/mail/mailer.ts';
import type { Fault } from '../support/deployment.ts';
import { createBackends, never } from './backends.ts';

const MAIL = { to: 'owner@example.com', subject: 'Hook g/h made no task', text: 'It did not.\n  reason: none' };

describe('mail', () => {
  it('goes to Notify as a block of text in which nothing is Markdown', async (t) => {
    const { mailer, deployment } = await createBackends(t);
    await mailer.send(MAIL, never);
    const hostile = 'before\n```\n[click](https://evil.example.com)\n````\nafter';
    await mailer.send({ ...MAIL, subject: ` ${'é'.repeat(400)}\r\nBcc: x@example.com`, text: hostile }, never);
    const [plain, second] = deployment.mails;
    assert.deepEqual(plain, { address: MAIL.to, subject: MAIL.subject, content: `\`\`\`\n${MAIL.text}\n\`\`\`` });
    assert.equal(second?.content, `\`\`\`\`\`\n${hostile}\n\`\`\`\`\``);
    assert.equal(second?.subject, 'é'.repeat(255));
  });

  it('of any size has a size that Notify takes', async (t) => {
    const { mailer, deployment } = await createBackends(t);
    await mailer.send({ ...MAIL, subject: '', text: 'x'.repeat(500_000) }, never);
    assert.equal(deployment.mails.length, 1);
  });

  it('to an address that Notify refuses is given up', async (t) => {
    const { mailer } = await createBackends(t);
    for (const to of ['denied@example.com']) {
      await assert.rejects(mailer.send({ ...MAIL, to }, never), (error: Error) => {
        assert.ok(error instanceof MailRefused);
        assert.match(error.message, /notify\.email at .* refuses denied@example\.com.*denylisted/);
        return true;
      });
    }
  });

  const LATER: readonly Fault[] = [
    { kind: 'status', status: 500 },
    { kind: 'status', status: 429 },
    { kind: 'status', status: 401 },
    { kind: 'status', status: 404, html: true },
    { kind: 'cut' },
  ];
  for (const fault of LATER) {
    it(`is tried again after ${JSON.stringify(fault)}`, async (t) => {
      const { mailer, deployment } = await createBackends(t);
      deployment.fail('notify', fault);
      await assert.rejects(mailer.send(MAIL, never), (error: Error) => !(error instanceof MailRefused));
      deployment.fail('notify');
      await mailer.send(MAIL, never);
      assert.equal(deployment.mails.length, 1);
    });
  }

  it('for which our client lacks the scope waits for it, and the error names it', async (t) => {
    const { mailer } = await createBackends(t, ['assume:hook-id:*']);
    await assert.rejects(mailer.send(MAIL, never), (error: Error) => {
      assert.match(error.message, /notify:email:owner@example\.com/);
      return !(error instanceof MailRefused);
    });
  });
});
