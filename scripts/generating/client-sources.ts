// Which clients are generated, and where they lie.
import { declareCommonMethods } from '../../src/http/common-methods.ts';
import { ALL_APIS } from './all-apis.ts';
import { clientSource } from './client-source.ts';

/** Path → text. */
export const clientSources = (): ReadonlyMap<string, string> =>
  new Map(ALL_APIS.map((api) => [`client/${api.service}-api.ts`, clientSource(declareCommonMethods(api))]));
