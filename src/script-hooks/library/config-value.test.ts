import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configValue } from './config-value.ts';

describe('a value of a config', () => {
  it('that the tlon command sent is the text that was typed', () => {
    const vectors = {
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
    for (const [cord, text] of Object.entries(vectors)) assert.equal(configValue(cord), text, cord);
  });

  it('is what it is otherwise: JSON, cells and lists, and what only looks like a jammed text', () => {
    const others = [
      '0w18N',
      '0w2QcxN',
      '0w',
      '0w0',
      '0w3NM.3NM',
      '0w03NM',
      '0w3NM ',
      'x',
      '',
      0,
      null,
      true,
      ['0w3NM'],
    ];
    for (const value of others) assert.deepEqual(configValue(value), value);
  });
});
