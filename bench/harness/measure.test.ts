import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { figure, interleave, median } from './measure.ts';

test('the median is the middle value, or lies between the two middle ones', () => {
  equal(median([9, 1, 5]), 5);
  equal(median([4, 1, 2, 9]), 3);
});

test('a ratio is the median of the ratios within each round', () => {
  const { value, reference, ratio, met } = figure('rate', '/s', [10, 40, 30], {
    reference: [100, 80, 60],
    bar: { of: 'ratio', atLeast: 0.5 },
  });
  deepEqual({ value, reference, ratio, met }, { value: 30, reference: 80, ratio: 0.5, met: true });
});

test('a bar is missed by what passes it on the wrong side, and by what is not a number', () => {
  equal(figure('p99', 'ms', [21], { bar: { of: 'value', atMost: 20 } }).met, false);
  equal(figure('p99', 'ms', [20], { bar: { of: 'value', atMost: 20 } }).met, true);
  equal(figure('p99', 'ms', [Number.NaN], { bar: { of: 'value', atMost: 20 } }).met, false);
});

test('the sides of a round take turns at going first', async () => {
  const order: string[] = [];
  const side = (name: string) => async (round: number) => {
    order.push(name);
    return round;
  };
  const results = await interleave(3, { ours: side('ours'), echo: side('echo') });
  deepEqual(order, ['ours', 'echo', 'echo', 'ours', 'ours', 'echo']);
  deepEqual(results, { ours: [0, 1, 2], echo: [0, 1, 2] });
});
