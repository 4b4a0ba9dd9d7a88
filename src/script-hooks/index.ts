// Script hooks as a library: no server, database or network needed.
export type { Effect } from '../community/types/effect.ts';
export type { Event } from '../community/types/event.ts';
export type { Group } from '../community/types/group.ts';
export type { VPost } from '../community/types/posts.ts';
export { type BuildOptions, buildHook, type ScriptHook } from './build-hook.ts';
export { SCRIPT_ERRORS, type ScriptErrorCode, ScriptHookError } from './errors.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export { createSandbox, type Sandbox, type SandboxOptions } from './sandbox/sandbox.ts';
export type {
  Bowl,
  Dropped,
  FailureKind,
  Lazily,
  Outcome,
  PostPages,
  RunRequest,
  StackFrame,
  Thrown,
} from './types.ts';
