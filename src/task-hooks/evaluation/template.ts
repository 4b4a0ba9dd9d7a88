// A hook's task template: what can be said of its cost before it runs, and running it.
import jsone from 'json-e';
import { toIso } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import type { WebhookContext } from '../webhooks/prepare-delivery.ts';
import { LEFT_TO_JSON_E, type QuickTemplate } from './quick-template.ts';
import { findTemplateProblems } from './template-problems.ts';

export type FiredBy = 'schedule' | 'triggerHook' | 'triggerHookWithToken' | 'pulseMessage';

/** What a template may refer to. */
export type FiringContext = {
  readonly firedBy: FiredBy;
  readonly taskId: string;
  /** ISO 8601. */
  readonly now: string;
  readonly payload?: unknown;
  readonly clientId?: string;
  /** Of a delivery that came by one. */
  readonly webhook?: WebhookContext;
};

/** What a task is to be rendered from. */
export type Unrendered = { readonly template: unknown; readonly context: FiringContext };

export type Rendered =
  | { readonly outcome: 'rendered'; readonly task: Readonly<Record<string, unknown>> }
  | { readonly outcome: 'declined' }
  | { readonly outcome: 'failed'; readonly message: string };

/**
 * Runs the template, the quick way where there is one. Never throws; how long it takes is not
 * bounded here (evaluator.ts).
 */
export const renderTemplate = (template: unknown, context: FiringContext, quick?: QuickTemplate): Rendered => {
  let task = quick ? quick(context) : LEFT_TO_JSON_E;
  try {
    if (task === LEFT_TO_JSON_E) {
      task = jsone(template as Record<string, unknown>, context as unknown as Record<string, unknown>);
    }
  } catch (error) {
    return { outcome: 'failed', message: messageOf(error, template) };
  }
  if (task === undefined || task === null) return { outcome: 'declined' };
  if (typeof task !== 'object' || Array.isArray(task)) {
    return { outcome: 'failed', message: `The template renders to ${nameOf(task)}; a task is an object.` };
  }
  return { outcome: 'rendered', task: fillInTask(task as Record<string, unknown>, context) };
};

/**
 * Errors that json-e foresees name their place, except at the top. What else it throws has none:
 * where the template never renders, that is the place; else a time span was wrong.
 */
const messageOf = (error: unknown, template: unknown): string => {
  if (error instanceof Error && 'location' in error) {
    const isPlaced = Array.isArray(error.location) && error.location.length > 0;
    return isPlaced ? String(error) : `${error.name} at template: ${error.message}`;
  }
  const reason = describeError(error);
  const [problem] = findTemplateProblems(template, 'template');
  if (problem) return `TemplateError at ${problem.place}: ${problem.reason}`;
  const places = /time expression/.test(reason) ? placesOfSpans(template, 'template') : [];
  return places.length > 0
    ? `TemplateError at ${places.join(' or ')}: ${reason}`
    : `The template cannot be rendered: ${reason}`;
};

const placesOfSpans = (template: unknown, place: string): string[] => {
  if (typeof template !== 'object' || template === null) return [];
  const below = Object.entries(template).flatMap(([key, value]) =>
    placesOfSpans(value, `${place}${Array.isArray(template) ? `[${key}]` : `.${key}`}`),
  );
  return '$fromNow' in template ? [place, ...below] : below;
};

const nameOf = (value: unknown): string => (Array.isArray(value) ? 'an array' : `a ${typeof value}`);

/** Adds what the template left out: created, deadline, expires and taskGroupId. */
const fillInTask = (task: Readonly<Record<string, unknown>>, { now, taskId }: FiringContext) => {
  const created = Date.parse(now);
  return {
    ...task,
    created: task.created ?? now,
    deadline: task.deadline ?? toIso(created + DAY_MS),
    expires: task.expires ?? toIso(monthAfter(created)),
    taskGroupId: task.taskGroupId ?? taskId,
  };
};

const DAY_MS = 24 * 60 * 60 * 1000;

/** The same day of the next month, or that month's last one. */
const monthAfter = (ms: number): number => {
  const date = new Date(ms);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + 1);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return date.setUTCDate(Math.min(day, lastDay));
};

/**
 * How many places of the template insert a part of the context, when its cost is proved to be at
 * most that number times the size of the payload; undefined when nothing is proved. Only what can
 * neither repeat nor grow its input passes: no loops (`$map`, `$reduce`, `$sort`, `range`), no
 * names for intermediate values (`$let` of `$let` doubles each time), no function calls, no
 * arithmetic (`+` joins strings), no `$json` (which doubles backslashes).
 */
export const countInsertions = (template: unknown): number | undefined => {
  if (typeof template === 'string') return countInterpolations(template);
  if (typeof template !== 'object' || template === null) return 0;
  if (Array.isArray(template)) return sum(template.map(countInsertions));
  const entries = Object.entries(template);
  const operator = entries.find(([key]) => /^\$[a-zA-Z]/.test(key));
  if (!operator) {
    return sum(entries.map(([key, value]) => sum([countInterpolations(key), countInsertions(value)])));
  }
  const [name, argument] = operator;
  if (name === '$eval') return countOperands(argument);
  if (name === '$fromNow')
    return typeof argument === 'string' && entries.length === 1 ? countInterpolations(argument) : undefined;
  if (name !== '$if') return undefined;
  return sum([countOperands(argument), ...entries.map(([key, value]) => (key === '$if' ? 0 : countInsertions(value)))]);
};

const sum = (counts: readonly (number | undefined)[]): number | undefined => {
  let total = 0;
  for (const count of counts) {
    if (count === undefined) return undefined;
    total += count;
  }
  return total;
};

/** `a ${payload.b} c`: counts the insertions, when each is a simple expression. */
const countInterpolations = (text: string): number | undefined => {
  if (text.includes('$${')) return undefined; // an escape, after which json-e reads on in another place than we would
  let count = 0;
  for (let start = text.indexOf('${'); start !== -1; start = text.indexOf('${', start)) {
    const end = text.indexOf('}', start);
    const operands = end === -1 ? undefined : countOperands(text.slice(start + 2, end));
    if (operands === undefined) return undefined;
    count += operands;
    start = end;
  }
  return count;
};

/** Longer expressions may be fine, but their nesting is not looked into. */
const LONGEST_SIMPLE_EXPRESSION = 500;
const PATH = String.raw`[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\['[^'\\]*'\]|\["[^"\\]*"\]|\[\d{1,9}\])*`;
const LITERAL = String.raw`'[^'\\]*'|"[^"\\]*"|\d{1,15}(?:\.\d{1,15})?|true|false|null`;
const OPERAND = String.raw`!?\s*(?:${LITERAL}|${PATH})`;
const SIMPLE = new RegExp(String.raw`^\s*${OPERAND}(?:\s*(?:==|!=|<=|>=|<|>|&&|\|\||\bin\b)\s*${OPERAND})*\s*$`);

/**
 * Of a path into the context, a literal, or comparisons of such, how many there are: each costs at
 * most one look at the whole payload. undefined for anything else.
 */
const countOperands = (expression: unknown): number | undefined => {
  if (typeof expression !== 'string' || expression.length > LONGEST_SIMPLE_EXPRESSION) return undefined;
  if (!SIMPLE.test(expression)) return undefined;
  return 1 + (expression.match(/==|!=|<=|>=|<|>|&&|\|\||\bin\b/g)?.length ?? 0);
};
