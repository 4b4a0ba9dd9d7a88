// Which clients are generated, and where they lie.
import type { ApiDeclaration } from '../src/http/api-method.ts';
import { declareCommonMethods } from '../src/http/common-methods.ts';
import { HOOKS_API } from '../src/task-hooks/api-declaration.ts';
import { clientSource } from './client-source.ts';

const APIS: Readonly<Record<string, ApiDeclaration>> = { 'client/hooks-api.ts': HOOKS_API };

/** Path → text. */
export const clientSources = (): ReadonlyMap<string, string> =>
  new Map(Object.entries(APIS).map(([path, api]) => [path, clientSource(declareCommonMethods(api))]));
