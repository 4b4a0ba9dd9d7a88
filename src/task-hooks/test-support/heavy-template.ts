/** The same, but beyond what is rendered on the main thread. The library takes some ms for it. */
export const heavy = (template: unknown): object => ({ $if: 'len(range(0, 120000)) > 0', then: template });
