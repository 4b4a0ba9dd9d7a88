// The public JSON Schema Test Suite (https://github.com/json-schema-org/JSON-Schema-Test-Suite),
// through the product's own compiler of trigger schemas: drafts 7, 2019-09 and 2020-12. Its npm
// packages hold no cases of these, so it comes from the Debian package that `.ci/run` installs.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { compileTriggerSchema } from '../../src/task-hooks/evaluation/schemas/trigger-schema.ts';
import { DEVIATIONS } from './deviations.ts';

const SUITE = '/usr/share/perl5/auto/share/dist/Test-JSON-Schema-Acceptance';
/** Another version has other cases, and so may have other deviations. */
const COMMIT = '47958f82d0ca44b82f3fb32744a0fb5aead191a6';
const DRAFTS: Readonly<Record<string, string>> = {
  draft7: 'http://json-schema.org/draft-07/schema#',
  'draft2019-09': 'https://json-schema.org/draft/2019-09/schema',
  'draft2020-12': 'https://json-schema.org/draft/2020-12/schema',
};

type Group = {
  readonly description: string;
  readonly schema: object | boolean;
  readonly tests: readonly { readonly description: string; readonly data: unknown; readonly valid: boolean }[];
};

const whyNot = (): string | false => {
  if (!existsSync(SUITE)) return 'the suite is not there (Debian: libtest-json-schema-acceptance-perl)';
  const isKnown = readFileSync(join(SUITE, 'submodule_status'), 'utf8').includes(COMMIT);
  return !isKnown && `the suite is not the one of commit ${COMMIT.slice(0, 7)}`;
};

/** Each case that is not as the suite has it. */
const deviationsIn = (
  draft: string,
  uri: string,
): { readonly cases: number; readonly deviations: readonly string[] } => {
  const root = join(SUITE, 'tests', draft);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
  let cases = 0;
  const deviations = files.flatMap((file) =>
    (JSON.parse(readFileSync(join(root, file), 'utf8')) as Group[]).flatMap(({ description, schema, tests }) => {
      cases += tests.length;
      const group = `${file.replace(/\.json$/, '')}: ${description}`;
      // A trigger schema is an object; `not` says what a schema that is no object says.
      const object = typeof schema === 'object' ? schema : schema ? {} : { not: {} };
      const compilation = compileTriggerSchema({ $schema: uri, ...object });
      if (!compilation.ok) return [`${group}: refused`];
      const { check } = compilation.schema;
      const wrong = tests.filter(({ data, valid }) => (check(data, 0).length === 0) !== valid);
      return wrong.map((one) => `${group}: ${one.description}`);
    }),
  );
  return { cases, deviations };
};

describe('the JSON Schema Test Suite', { skip: whyNot() }, () => {
  for (const [draft, uri] of Object.entries(DRAFTS)) {
    it(`of ${draft} has the results that are expected, but for those that have a reason`, () => {
      const { cases, deviations } = deviationsIn(draft, uri);
      assert.ok(cases > 1_000, `${cases} cases`);
      const expected = DEVIATIONS.flatMap(({ in: drafts, cases: names }) => (drafts.includes(draft) ? names : []));
      assert.deepEqual(deviations.toSorted(), expected.toSorted());
    });
  }
});
