// The result of a bench, for people and for machines.
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';
import type { Bar, Row } from './measure.ts';

export type Report = {
  readonly taken: string;
  readonly machine: {
    node: string;
    platform: string;
    cpu: string;
    cores: number;
    memoryBytes: number;
    /** The load average of the minute before the bench: what else the machine was doing. */
    loadBefore: number;
  };
  readonly options: { rounds: number; seconds: number; entry: string };
  readonly rows: readonly Row[];
  /** What went wrong, by measure; there is no figure of these. */
  readonly failures: readonly { measure: string; problem: string }[];
};

export const describeMachine = (): Report['machine'] => ({
  node: process.version,
  platform: `${platform()}-${arch()}`,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryBytes: totalmem(),
  loadBefore: loadavg()[0] ?? Number.NaN,
});

export const formatReport = (report: Report): string => {
  const { machine, options } = report;
  const lines = [
    '',
    `Node ${machine.node}, ${machine.platform}, ${machine.cores} × ${machine.cpu}; load average ${machine.loadBefore.toFixed(2)} before; medians of ${options.rounds} rounds of ${options.seconds} s`,
    '',
  ];
  if (report.rows.length > 0) lines.push(formatTable(report.rows), '');
  const barred = report.rows.filter((row) => row.value !== null && row.bar !== undefined);
  const missed = barred.filter((row) => row.value !== null && row.met === false);
  if (barred.length > 0) {
    lines.push(`${barred.length - missed.length} of ${barred.length} bars are met.`);
    for (const row of missed) lines.push(`  missed: ${row.measure}`);
  }
  for (const { measure, problem } of report.failures) lines.push('', `FAILED: ${measure}: ${problem}`);
  return `${lines.join('\n')}\n`;
};

const HEADINGS = ['measure', 'ours', 'reference', 'ratio', 'bar', 'met', ''];
const IS_NUMBER = [false, true, true, true, true, false, false];

const formatTable = (rows: readonly Row[]): string => {
  const table = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  const format = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        IS_NUMBER[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const [headings = [], ...rest] = table;
  return [
    format(headings),
    widths
      .slice(0, 6)
      .map((width) => '-'.repeat(width))
      .join('  '),
    ...rest.map(format),
  ].join('\n');
};

const cellsOf = (row: Row): string[] => {
  if (row.value === null) return [row.measure, '?', '', '', '', '', row.note];
  return [
    row.measure,
    withUnit(row.value, row.unit),
    row.reference === undefined ? '' : withUnit(row.reference, row.unit),
    formatRatio(row.ratio),
    row.bar ? formatBar(row.bar, row.unit) : '',
    row.met === undefined ? '' : row.met ? 'yes' : 'NO',
    row.note ?? '',
  ];
};

const formatBar = (bar: Bar, unit: string): string => {
  const [sign, limit] = 'atMost' in bar ? ['≤', bar.atMost] : ['≥', bar.atLeast];
  return `${sign} ${bar.of === 'ratio' ? `${formatRatio(limit)} ×` : withUnit(limit, unit)}`;
};

const formatRatio = (ratio: number | undefined): string =>
  ratio === undefined || !Number.isFinite(ratio) ? '' : ratio.toFixed(3);

const withUnit = (value: number, unit: string): string => `${formatNumber(value)} ${unit}`.trim();

/** Three digits that mean something, no more: the machine is not quieter than that. */
const formatNumber = (value: number): string => {
  if (!Number.isFinite(value)) return String(value);
  const digits = Math.abs(value) >= 100 || value === 0 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
};
