// Configs as the clients of hooks know them: a text is a jammed one, and all else is JSON.
import { jammedText, readJammedText } from '../../../community/schema/jammed-text.ts';
import type { HookConfig } from './hooks-port.ts';

/** @example configCords({ emoji: 'x', most: 5 }) → { emoji: '0w3NM', most: 5 } */
export const configCords = (config: HookConfig): HookConfig =>
  Object.fromEntries(Object.entries(config).map(([key, value]) => [key, cordOf(value)]));

const cordOf = (value: unknown): unknown => {
  if (typeof value !== 'string' || value.endsWith('\0')) return value;
  // Another noun was kept as it came.
  return value.startsWith('0w') && readJammedText(value) === undefined ? value : jammedText(value);
};

type WithConfig = { readonly config: HookConfig };

export const cronWithCords = <T extends WithConfig>(cron: T): T => ({ ...cron, config: configCords(cron.config) });

/** A config has at most 64 KB: others have their turn between two hooks. */
export const hooksWithCords = async <T extends { readonly config: Readonly<Record<string, HookConfig>> }>(
  hooks: Readonly<Record<string, T>>,
): Promise<Readonly<Record<string, T>>> => {
  const written: [string, T][] = [];
  for (const [id, hook] of Object.entries(hooks)) {
    const config: Record<string, HookConfig> = {};
    for (const [nest, own] of Object.entries(hook.config)) {
      config[nest] = configCords(own);
      await new Promise(setImmediate);
    }
    written.push([id, { ...hook, config }]);
  }
  return Object.fromEntries(written);
};
