// Replays as methods of the hooks API, which only this server has.
import type { MethodDeclaration } from '../../http/api-method.ts';
import {
  REPLAY_FIRE_REQUEST,
  REPLAY_FIRE_RESPONSE,
  REPLAY_FIRES_REQUEST,
  REPLAY_FIRES_RESPONSE,
  REPLAY_STATUS,
} from './shapes.ts';

const common = { category: 'Replays', stability: 'experimental', authorization: 'deferred' } as const;
const MAY_REPLAY = ['hooks:trigger-hook:<hookGroupId>/<hookId>', 'hooks:get-payload:<hookGroupId>/<hookId>'] as const;
const JOB = { jobId: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ };

export const REPLAY_METHODS = [
  {
    ...common,
    name: 'replayFire',
    title: 'Fire an event again',
    description:
      'A new fire of the same hook with the event of this one, as it was kept; the old one stays as it is. It takes the scopes of that hook.',
    verb: 'POST',
    route: '/fires/<seq>/replay',
    params: { seq: /^[1-9]\d{0,14}$/ },
    scopes: { AllOf: MAY_REPLAY },
    input: REPLAY_FIRE_REQUEST,
    output: REPLAY_FIRE_RESPONSE,
  },
  {
    ...common,
    name: 'replayFires',
    title: 'Fire many events again',
    description:
      'Those that `searchFires` finds with the same filter, at most 10,000. A first call answers how many there are, and of which hooks; the same call ' +
      'with that `count` begins to fire them, so many a second, each once, whatever is restarted meanwhile. It takes the scopes of all these hooks. The ' +
      'new fires have the id of the job as their `requestId`, by which `followFires` and `searchFires` find them.',
    verb: 'POST',
    route: '/fires/replay',
    scopes: { AllOf: ['hooks:list-last-fires:<hookGroupId>/<hookId>', ...MAY_REPLAY] },
    input: REPLAY_FIRES_REQUEST,
    output: REPLAY_FIRES_RESPONSE,
  },
  {
    ...common,
    name: 'replayStatus',
    title: 'How a replay of many gets on',
    description: 'For the client that started it; for others, it takes `hooks:replay:<jobId>`.',
    verb: 'GET',
    route: '/replays/<jobId>',
    params: JOB,
    scopes: 'hooks:replay:<jobId>',
    output: REPLAY_STATUS,
  },
  {
    ...common,
    name: 'cancelReplay',
    title: 'Stop a replay of many',
    description:
      'What has come again stays; the rest does not come. For the client that started it; for others, it takes `hooks:replay:<jobId>`.',
    verb: 'DELETE',
    route: '/replays/<jobId>',
    params: JOB,
    scopes: 'hooks:replay:<jobId>',
    output: REPLAY_STATUS,
  },
] as const satisfies readonly MethodDeclaration[];
