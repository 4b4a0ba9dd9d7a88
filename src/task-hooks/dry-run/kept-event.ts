// The event of a fire as it was kept, as it would come again.
import { toIso } from '../../core/clock.ts';
import { ApiError } from '../../http/api-error.ts';
import { parseJsonBody } from '../../http/bodies/body.ts';
import type { LedgerRow } from '../../ledger/entry.ts';
import type { KeptPayload } from '../../ledger/payloads/payloads.ts';
import type { FiringContext } from '../evaluation/template.ts';
import type { EventToEvaluate } from '../firing/fire-call.ts';
import { isOfWebhook } from '../webhooks/prepare-delivery.ts';

export type KeptEvents = {
  /** A fire by its number in the ledger. */
  readonly find: (seq: number) => Promise<LedgerRow | undefined>;
  /** undefined: it was not kept, or its time is over. */
  readonly read: (row: LedgerRow) => Promise<KeptPayload | undefined>;
};

export type EventAgain = EventToEvaluate & {
  /** What it came with, to be kept with what it leads to now; absent: nothing. */
  readonly body?: string;
  readonly isRedacted: boolean;
};

/**
 * The event with another task and at another moment: a taskId that its caller chose is taken. A
 * text: why it cannot come again.
 */
export const eventAgain = (
  row: LedgerRow,
  kept: KeptPayload | undefined,
  { taskId, now }: { readonly taskId: string; readonly now: number },
): EventAgain | string => {
  const always = { taskId, now: toIso(now) };
  // All that a tick is made of is when it comes.
  if (!kept && row.firedBy === 'schedule') {
    return { context: { firedBy: 'schedule', ...always }, payloadBytes: 0, chosenTaskId: undefined, isRedacted: false };
  }
  const { message } = (row.error ?? {}) as { readonly message?: unknown };
  if (kept?.context.webhook !== undefined && isOfWebhook(String(message))) {
    // What is kept is the body: the hook would get it past the condition, and in another shape.
    return `Fire ${row.seq} ended at its webhook, so what is kept of it is not what the hook would get. Let its sender send it again, or trigger the hook.`;
  }
  if (!kept) return `The payload of fire ${row.seq} is not kept: its time is over, or none was kept when it came.`;
  const { text, bytes, isWhole, isRedacted } = kept;
  if (!isWhole) return `Of the payload of fire ${row.seq}, ${bytes} bytes, only the beginning is kept.`;
  if (kept.context.isCut === true) return `What came with the payload of fire ${row.seq} was too large to be kept.`;
  const given = { ...kept.context, ...always } as FiringContext;
  const event = { payloadBytes: bytes, chosenTaskId: undefined, isRedacted };
  if (text === undefined) return { ...event, context: given };
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
