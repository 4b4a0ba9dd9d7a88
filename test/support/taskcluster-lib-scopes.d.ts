// What this program uses of taskcluster-lib-scopes 11, which has no types of its own.
declare module 'taskcluster-lib-scopes' {
  type Expression = string | { readonly AllOf: readonly Expression[] } | { readonly AnyOf: readonly Expression[] };

  const scopes: {
    /** Whether a string is made of printable ASCII only. */
    readonly validScope: (scope: unknown) => boolean;
    readonly patternMatch: (pattern: string, scope: string) => boolean;
    /** Sorts scopes so that normalizeScopeSet can drop what others cover. */
    readonly scopeCompare: (left: string, right: string) => -1 | 0 | 1;
    /** Of a sorted set: without what others satisfy. */
    readonly normalizeScopeSet: (sorted: readonly string[]) => string[];
    readonly mergeScopeSets: (left: readonly string[], right: readonly string[]) => string[];
    readonly satisfiesExpression: (scopes: readonly string[], expression: Expression) => boolean;
    /** What is left of the expression once the given scopes are taken out; null when nothing is. */
    readonly removeGivenScopes: (scopes: readonly string[], expression: Expression) => Expression | null;
  };
  // biome-ignore lint/style/noDefaultExport: the package is CommonJS; this is how ESM sees it.
  export default scopes;
}
