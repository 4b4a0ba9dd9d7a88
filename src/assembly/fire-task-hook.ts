// A script hook fires a task hook: with the power of its own role, and no more.
import type { FireTaskHook } from '../script-hooks/hosting/do-job.ts';
import type { TaskHooks } from '../task-hooks/task-hooks.ts';
import type { Mode } from './mode.ts';

export const createFireTaskHook =
  (mode: Pick<Mode, 'satisfies' | 'scopesOfRole'>, fire: TaskHooks['fire']): FireTaskHook =>
  async ({ name, ...asked }) => {
    const clientId = `scripts/${name}`;
    const role = `hook-id:${clientId}`;
    // A star at the end would stand for the roles of all hooks that begin like this.
    if (!ROLE.test(role) || role.endsWith('*')) {
      return `"${name}" cannot be part of a role: give the hook a name of printable ASCII that does not end with a star`;
    }
    const scope = `hooks:trigger-hook:${asked.hookGroupId}/${asked.hookId}`;
    const scopes = await mode.scopesOfRole(role);
    if (!mode.satisfies({ clientId, scopes }, scope)) return `the role ${role} lacks the scope ${scope}`;
    return fire({ ...asked, clientId });
  };

const ROLE = /^[\x21-\x7e]([\x20-\x7e]{0,250}[\x21-\x7e])?$/;
