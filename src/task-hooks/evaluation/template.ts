// A hook's task template, and what it renders to.
import jsone from 'json-e';
import { toIso } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import type { RenderTried, WebhookContext } from '../webhooks/prepare-delivery.ts';
import { HandOver } from './json-e/errors.ts';
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

/** What a template renders to; throws an error with a `location` where JSON-e does. */
export type Renderer = (template: unknown, context: object) => unknown;

/** The reference. How long it takes is not bounded. */
export const renderByLibrary: Renderer = (template, context) =>
  jsone(template as object, context as Record<string, unknown>);

/** For a template that is not the hook's own. */
export const tryingWith =
  (render: Renderer): RenderTried =>
  (template, values) => {
    try {
      return { ok: true, value: render(template, values) };
    } catch (error) {
      if (error instanceof HandOver) throw error;
      return { ok: false, reason: describeError(error) };
    }
  };

/** Throws nothing, except for a renderer that hands over. */
export const renderTemplate = (
  template: unknown,
  context: FiringContext,
  render: Renderer = renderByLibrary,
): Rendered => {
  let task: unknown;
  try {
    task = render(template, context);
  } catch (error) {
    if (error instanceof HandOver) throw error;
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
const fillInTask = (task: Readonly<Record<string, unknown>>, { now, taskId }: FiringContext) => ({
  ...task,
  created: task.created ?? now,
  deadline: task.deadline ?? toIso(Date.parse(now) + DAY_MS),
  expires: task.expires ?? toIso(monthAfter(Date.parse(now))),
  taskGroupId: task.taskGroupId ?? taskId,
});

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
