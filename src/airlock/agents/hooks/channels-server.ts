// The agent of script hooks. Their sources, configs and templates are the host's alone; what runs
// on a channel is told to those who read it.
import type { Change } from '../../../community/changes/change.ts';
import { type Agent, DONE, type Json, refuse, type WatchResult } from '../agent.ts';
import { configCords, cronWithCords, hooksWithCords } from './config-cords.ts';
import type { HooksPort } from './hooks-port.ts';
import type { HooksPreview } from './hooks-preview.ts';

const HOOKS = '/v0/hooks';
const OF_A_CHANNEL = /^\/v0\/hooks\/(preview|template)\/([^/]+)\/([^/]+)$/;

export const createChannelsServer = (hooks: HooksPort, previewFor: HooksPreview): Agent => {
  const { our } = hooks;

  const dump = async () => {
    const { hooks: all, order, crons } = await hooks.dump();
    const cronsOf = Object.entries(crons).map(([id, byOrigin]) => [
      id,
      Object.fromEntries(Object.entries(byOrigin).map(([origin, cron]) => [origin, cronWithCords(cron)])),
    ]);
    return { hooks: await hooksWithCords(all), order, crons: Object.fromEntries(cronsOf) };
  };
  const templateOf = async (nest: string) => {
    const { from, hooks: all, order, crons } = await hooks.template(nest);
    return {
      from,
      hooks: await hooksWithCords(all),
      order,
      crons: crons.map(([id, cron]) => [id, cronWithCords(cron)]),
    };
  };
  const once = (mark: string, json: Json): WatchResult => ({ kind: 'once', fact: { mark, json } });

  return {
    name: 'channels-server',
    scry: async (path, ship) => (path === HOOKS && ship === our ? dump() : undefined),
    poke: async (mark, json, ship) => {
      if (mark !== 'hook-action-0') return undefined;
      const result = await hooks.act(json, ship);
      return result.kind === 'done' ? DONE : refuse(result.reason);
    },
    watch: async (path, ship) => {
      // Clients end when this one is refused: others watch it, and hear nothing.
      if (path === HOOKS) return { kind: 'watching' };
      const [, what, kind, name] = OF_A_CHANNEL.exec(path) ?? [];
      const nest = `${kind}/${our}/${name}`;
      if (what === 'preview') {
        const preview = await previewFor(nest, ship);
        return preview
          ? once('hook-channel-preview', preview)
          : refuse(`There is no channel ${nest} that ${ship} may read.`);
      }
      if (what === undefined && path !== `${HOOKS}/full`) return { kind: 'watching' };
      if (ship !== our) return refuse(`Only ${our}, whose hooks these are, may read them.`);
      return what === 'template' ? once('hook-template', await templateOf(nest)) : once('hook-full', await dump());
    },
    factsOf: async (changes, watchers) => {
      const own = watchers.filter(({ path, ship }) => path === HOOKS && ship === our);
      if (own.length === 0) return [];
      const changed = changes.flatMap((change) => (change.kind === 'script-hook' ? change.hook.id : []));
      const responses = changed.length > 0 ? await hooks.responsesOf([...new Set(changed)]) : new Map();
      return changes
        .flatMap((change) => responseOf(change, responses) ?? [])
        .flatMap((json) => own.map((watcher) => ({ watcher, fact: { mark: 'hook-response-0', json } })));
    },
  };
};

/**
 * undefined: it was about something else. A hook that is gone meanwhile is told once more, so that
 * what was done with it before that is about a hook that is known.
 */
const responseOf = (change: Change, responses: ReadonlyMap<string, object>): object | undefined => {
  if (change.kind === 'script-hook') return { set: responses.get(change.hook.id) ?? { ...change.hook, src: '' } };
  if (change.kind !== 'script-hooks') return undefined;
  const [[what, details] = []] = Object.entries(change.response);
  return what === 'config' || what === 'cron'
    ? { [what]: { ...details, config: configCords(details.config) } }
    : change.response;
};
