// The client of the script hooks of a server's host: what there is, what became of their runs.
import { createClientClass } from './create-client-class.ts';
import { SCRIPT_HOOKS_SERVICE, type ScriptHooksMethods } from './script-hooks-api.ts';

/**
 * @example
 * const scripts = new ScriptHooks({ rootUrl: 'http://127.0.0.1:8080', credentials: { clientId,
 * accessToken } });
 * const { set } = await scripts.act({ add: { name: 'greeter', src } });
 */
export class ScriptHooks extends createClientClass<ScriptHooksMethods>(SCRIPT_HOOKS_SERVICE) {}
