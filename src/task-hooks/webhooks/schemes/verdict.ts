// What the check of a delivery says.

/** Why a delivery is not believed: a closed set, for the ledger and for labels of metrics. */
const FAILED_CHECKS = {
  missing: 'has no',
  repeated: 'has more than one',
  malformed: 'has a malformed',
  'too-old': 'is older than the tolerance admits, by its',
  'too-new': 'is from the future, by its',
  wrong: 'has a wrong',
} as const;

export type FailedCheck = keyof typeof FAILED_CHECKS;

/** `header`: where the check looked, as the settings have it. Nothing in it is the sender's. */
export type Refused = { readonly kind: 'refused'; readonly check: FailedCheck; readonly header: string };

export type Verified = {
  readonly kind: 'verified';
  /** Equal for copies of one delivery. undefined: nothing tells this delivery from another one. */
  readonly replayKey: Buffer | undefined;
  /** How long a copy could come, and is to be known as one. */
  readonly rememberMs: number;
  /** What the sender calls the event and the delivery, in headers that most schemes do not sign. */
  readonly event: string | undefined;
  readonly deliveryId: string | undefined;
};

export type Check = {
  readonly kind: 'check';
  /** Takes the raw bytes of the body, piece by piece. They must not change afterwards. */
  readonly update: (piece: Uint8Array) => void;
  readonly finish: () => Promise<Verified | Refused>;
};

export const refused = (check: FailedCheck, header: string): Refused => ({ kind: 'refused', check, header });

/** For the ledger: `The delivery has a wrong x-hub-signature-256.` */
export const refusalText = ({ check, header }: Refused): string => `The delivery ${FAILED_CHECKS[check]} ${header}.`;
