// Dry runs as methods of the hooks API, which only this server has.
import type { MethodDeclaration } from '../../http/api-method.ts';
import { HOOK_GROUP_ID, HOOK_ID } from '../definition.ts';
import {
  RENDER_DEFINITION_REQUEST,
  RENDER_HOOK_REQUEST,
  RENDER_LAST_REQUEST,
  RENDER_LAST_RESPONSE,
  RENDER_RESPONSE,
  WHY_NOT_REQUEST,
  WHY_NOT_RESPONSE,
} from './shapes.ts';

const params = { hookGroupId: HOOK_GROUP_ID, hookId: HOOK_ID };
/** As of a definition: all of it is parsed where requests arrive. */
const LARGEST_BODY = 1024 * 1024;
const SEEN = 'Only Hookwright has this method.';
/** What it tells of a definition of one's own, saving it and firing the hook would tell as well. */
const MAY_DEFINE = ['hooks:modify-hook:<hookGroupId>/<hookId>', 'assume:hook-id:<hookGroupId>/<hookId>'] as const;
const GET_PAYLOAD = 'hooks:get-payload:<hookGroupId>/<hookId>';
const common = { category: 'Dry Runs', stability: 'experimental', verb: 'POST', largestBody: LARGEST_BODY } as const;

export const DRY_RUN_METHODS = [
  {
    ...common,
    name: 'renderHook',
    title: 'Try an event on a hook',
    description:
      'What a fire of the hook would come to with this event: the verdict of the trigger schema, the task, what the queue would say to it. Nothing is ' +
      `created or recorded. With \`seq\`, an event that was kept, \`${GET_PAYLOAD}\` is needed too. ${SEEN}`,
    route: '/hooks/<hookGroupId>/<hookId>/render',
    params,
    scopes: { AllOf: ['hooks:get:<hookGroupId>:<hookId>', 'hooks:trigger-hook:<hookGroupId>/<hookId>'] },
    input: RENDER_HOOK_REQUEST,
    output: RENDER_RESPONSE,
  },
  {
    ...common,
    name: 'renderDefinition',
    title: 'Try an event on a definition',
    description:
      'As `renderHook`, for a definition that is not saved, with the role of the hook that it is for, which need not exist. With `seq`, an event of that ' +
      `hook that was kept, \`${GET_PAYLOAD}\` is needed too. ${SEEN}`,
    route: '/render',
    scopes: { AllOf: MAY_DEFINE },
    authorization: 'deferred',
    input: RENDER_DEFINITION_REQUEST,
    output: RENDER_RESPONSE,
  },
  {
    ...common,
    name: 'renderLast',
    title: 'Try a definition on the last events of a hook',
    description:
      'What a new definition would make of the last events of the hook, beside what the saved one makes of them now: the same, something else, or ' +
      `nothing any more. ${SEEN}`,
    route: '/hooks/<hookGroupId>/<hookId>/render-last',
    params,
    scopes: { AllOf: [...MAY_DEFINE, GET_PAYLOAD] },
    input: RENDER_LAST_REQUEST,
    output: RENDER_LAST_RESPONSE,
  },
  {
    ...common,
    name: 'whyNot',
    title: 'Ask why a hook does not fire',
    description:
      'Whether a message with this routing key, or the schedule at this time, leads to a fire of the hook, and if not, at which step it ends. ' +
      `${SEEN}`,
    route: '/hooks/<hookGroupId>/<hookId>/why-not',
    params,
    scopes: {
      AllOf: [
        'hooks:get:<hookGroupId>:<hookId>',
        'hooks:status:<hookGroupId>/<hookId>',
        'hooks:list-last-fires:<hookGroupId>/<hookId>',
      ],
    },
    input: WHY_NOT_REQUEST,
    output: WHY_NOT_RESPONSE,
  },
] as const satisfies readonly MethodDeclaration[];
