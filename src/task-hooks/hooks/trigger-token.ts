// Trigger tokens: secrets that are credentials by themselves. Sealed at rest, compared in constant
// time.
import { newSlugId } from '../../core/ids.ts';
import { type SecretBox, secretsAreEqual } from '../../core/secret-box.ts';
import type { Hook } from '../definition.ts';

export type TriggerTokens = {
  readonly make: (hook: Hook) => { readonly token: string; readonly sealed: Buffer };
  /** undefined: the hook has none yet. */
  readonly open: (hook: Hook) => string | undefined;
  readonly matches: (hook: Hook, token: string) => boolean;
};

export const createTriggerTokens = (secretBox: SecretBox): TriggerTokens => {
  const context = ({ uid }: Hook) => `trigger-token:${uid}`;
  const open: TriggerTokens['open'] = (hook) => hook.sealedToken && secretBox.open(hook.sealedToken, context(hook));
  return {
    make: (hook) => {
      const token = newSlugId(); // 122 random bits
      return { token, sealed: secretBox.seal(token, context(hook)) };
    },
    open,
    matches: (hook, token) => {
      const known = open(hook);
      return known !== undefined && secretsAreEqual(known, token);
    },
  };
};
