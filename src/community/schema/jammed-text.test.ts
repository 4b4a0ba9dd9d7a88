import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { jammedText, readJammedText } from './jammed-text.ts';

const VECTORS = {
  '0w2': '',
  '0w33M': 'a',
  '0w3NM': 'x',
  '0w1Hg': '5',
  '0wdbkT.JHau0': 'emoji',
  '0wo6.rq~t0': '~m30',
  '0w3qMIr.CmdH2.UeoY0': 'spam,scam',
  '0w4r8.P~w20': '👍',
  '0wYdX.cgdPK.TKj4g.dr6QK.HygcH.gW5U0': 'the quick brown fox',
};

describe('a jammed text', () => {
  it('is what the tlon command makes of what was typed', () => {
    for (const [cord, text] of Object.entries(VECTORS)) {
      assert.equal(readJammedText(cord), text, cord);
      assert.equal(jammedText(text), cord, text);
    }
  });

  it('is read as the text that was written', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 300 }).filter((one) => !one.endsWith('\0'));
    fc.assert(fc.property(text, (one) => readJammedText(jammedText(one)) === one));
  });

  it('has one spelling', () => {
    const digit = fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-~');
    const digits = fc.array(digit, { minLength: 1, maxLength: 12 }).map((all) => all.join(''));
    fc.assert(
      fc.property(digits, (one) => {
        const cord = `0w${one.replace(/(?<=.)(?=(.{5})+$)/g, '.')}`;
        const text = readJammedText(cord);
        assert.ok(text === undefined || jammedText(text) === cord);
      }),
    );
  });

  it('is no cell, no list, and nothing that only looks like one', () => {
    for (const cord of ['0w18N', '0w2QcxN', '0w', '0w0', '0w3NM.3NM', '0w03NM', '0w3NM ', 'x', '']) {
      assert.equal(readJammedText(cord), undefined, cord);
    }
  });
});
