// The event of a fire as it was kept, as it would come again.
import { toIso } from '../../core/clock.ts';
import type { Queryable } from '../../database/database.ts';
import { ApiError } from '../../http/api-error.ts';
import { parseJsonBody } from '../../http/bodies/body.ts';
import type { LedgerRow } from '../../ledger/entry.ts';
import type { KeptPayload } from '../../ledger/payloads/payloads.ts';
import type { Evaluation, SeenDelivery } from '../evaluation/evaluate.ts';
import type { CompiledHook, Evaluator } from '../evaluation/evaluator.ts';
import type { FiringContext } from '../evaluation/template.ts';
import { type EventToEvaluate, evaluateEvent } from '../firing/evaluate-call.ts';
import type { DeliveredBody, WebhookContext } from '../webhooks/prepare-delivery.ts';

export type KeptEvents = {
  /** A fire by its number in the ledger. */
  readonly find: (seq: number) => Promise<LedgerRow | undefined>;
  /** undefined: it was not kept, or its time is over. */
  readonly read: (row: LedgerRow) => Promise<KeptPayload | undefined>;
  readonly findWebhook: FindWebhook;
};

/** `delivery`: its payload is still to be made of what a webhook was sent. */
export type EventToTry = EventToEvaluate & { readonly delivery?: DeliveredBody };

export type EventAgain = EventToTry & {
  /** What it came with, to be kept with what it leads to now; absent: nothing. */
  readonly body?: string;
  readonly isRedacted: boolean;
};

/** What a webhook makes of deliveries today. undefined: there is none. */
export type WebhookToday = Pick<DeliveredBody, 'when' | 'map'>;
export type FindWebhook = (hookUid: string, name: string, on?: Queryable) => Promise<WebhookToday | undefined>;

/** The webhook at which an event ended, before the hook saw it. What is kept then is the body. */
const endedAt = (row: LedgerRow, kept: KeptPayload | undefined): WebhookContext | undefined => {
  const { step } = (row.error ?? {}) as { readonly step?: unknown };
  return step === 'matched' ? (kept?.context.webhook as WebhookContext | undefined) : undefined;
};

export const findWebhookOf = async (
  row: LedgerRow,
  kept: KeptPayload | undefined,
  findWebhook: FindWebhook,
  on?: Queryable,
): Promise<WebhookToday | undefined> => {
  const ended = endedAt(row, kept);
  return ended && findWebhook(row.hookUid, ended.name, on);
};

type Again = {
  readonly taskId: string;
  readonly now: number;
  /** As `findWebhookOf` finds it. */
  readonly webhook: WebhookToday | undefined;
};

/** It was read once, and is kept as JSON. */
const AS_JSON = { 'content-type': ['application/json'] };

/**
 * The event with another task and at another moment: a taskId that its caller chose is taken. A
 * text: why it cannot come again.
 */
export const eventAgain = (
  row: LedgerRow,
  kept: KeptPayload | undefined,
  { taskId, now, webhook }: Again,
): EventAgain | string => {
  const always = { taskId, now: toIso(now) };
  // All that a tick is made of is when it comes.
  if (!kept && row.firedBy === 'schedule') {
    return { context: { firedBy: 'schedule', ...always }, payloadBytes: 0, chosenTaskId: undefined, isRedacted: false };
  }
  if (!kept) return `The payload of fire ${row.seq} is not kept: its time is over, or none was kept when it came.`;
  const { text, bytes, isWhole, isRedacted } = kept;
  if (!isWhole) return `Of the payload of fire ${row.seq}, ${bytes} bytes, only the beginning is kept.`;
  if (kept.context.isCut === true) return `What came with the payload of fire ${row.seq} was too large to be kept.`;
  const cameBy = ((row.detail ?? {}) as { readonly webhook?: unknown }).webhook;
  if (cameBy !== undefined && kept.context.webhook === undefined) {
    // It was stopped before its condition and its shape were known: what is kept is the body.
    return `What the webhook would have made of fire ${row.seq} is not known. Let its sender send it again.`;
  }
  const given = { ...kept.context, ...always } as FiringContext;
  const event = { payloadBytes: bytes, chosenTaskId: undefined, isRedacted };
  if (text === undefined) return { ...event, context: given };
  const ended = endedAt(row, kept);
  if (ended) {
    if (!webhook) return `Fire ${row.seq} ended at the webhook ${ended.name}, which is gone.`;
    const { webhook: _, ...context } = given;
    const delivery = { ...webhook, webhook: ended, body: Buffer.from(text), headers: AS_JSON };
    return { ...event, context, delivery, body: text };
  }
  try {
    return {
      ...event,
      context: { ...given, payload: parseJsonBody(Buffer.from(text), 'application/json') },
      body: text,
    };
  } catch (error) {
    if (error instanceof ApiError) return `The payload of fire ${row.seq} is no JSON: ${error.message}`;
    throw error;
  }
};

/** `seen`: of a delivery, what the hook gets of it. */
export const evaluateTry = async (
  evaluator: Pick<Evaluator, 'evaluate' | 'evaluateDelivery'>,
  hook: CompiledHook,
  event: EventToTry,
): Promise<{ readonly evaluation: Evaluation; readonly seen?: SeenDelivery | undefined }> => {
  if (!event.delivery) return { evaluation: await evaluateEvent(evaluator, hook, event) };
  const read = await evaluator.evaluateDelivery(hook, event.context, event.delivery);
  return 'outcome' in read ? { evaluation: { outcome: 'failed', message: read.message } } : read;
};
