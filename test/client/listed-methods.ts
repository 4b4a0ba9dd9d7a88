// The methods that the client must have, as the list of them stands that it was asked for with.

const LIST = `
// hooks.listHookGroups :: () -> Promise Result
hooks.listHookGroups()
// hooks.listHooks :: hookGroupId -> Promise Result
hooks.listHooks(hookGroupId)
// hooks.hook :: (hookGroupId -> hookId) -> Promise Result
hooks.hook(hookGroupId, hookId)
// hooks.getHookStatus :: (hookGroupId -> hookId) -> Promise Result
hooks.getHookStatus(hookGroupId, hookId)
// hooks.createHook :: (hookGroupId -> hookId -> payload) -> Promise Result
hooks.createHook(hookGroupId, hookId, payload)
// hooks.updateHook :: (hookGroupId -> hookId -> payload) -> Promise Result
hooks.updateHook(hookGroupId, hookId, payload)
// hooks.removeHook :: (hookGroupId -> hookId) -> Promise Nothing
hooks.removeHook(hookGroupId, hookId)
// hooks.triggerHook :: (hookGroupId -> hookId -> payload) -> Promise Result
hooks.triggerHook(hookGroupId, hookId, payload)
// hooks.getTriggerToken :: (hookGroupId -> hookId) -> Promise Result
hooks.getTriggerToken(hookGroupId, hookId)
// hooks.resetTriggerToken :: (hookGroupId -> hookId) -> Promise Result
hooks.resetTriggerToken(hookGroupId, hookId)
// hooks.triggerHookWithToken :: (hookGroupId -> hookId -> token -> payload) -> Promise Result
hooks.triggerHookWithToken(hookGroupId, hookId, token, payload)
// hooks.ping :: () -> Promise Nothing
hooks.ping()
`;

export type SeedMethod = { readonly name: string; readonly args: readonly string[]; readonly answers: boolean };

export const LISTED_METHODS: readonly SeedMethod[] = [
  ...LIST.matchAll(/^\/\/ hooks\.(\w+) ::.*-> Promise (Result|Nothing)\nhooks\.\1\((.*)\)$/gm),
].map(([, name = '', answer, args = '']) => ({
  name,
  args: args === '' ? [] : args.split(', '),
  answers: answer === 'Result',
}));
