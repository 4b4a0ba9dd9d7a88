// docs/errors.md explains every code that somebody can meet, and no other.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { OPERATOR_ERRORS } from '../../src/core/errors.ts';
import { API_ERRORS } from '../../src/http/api-error.ts';

type Section = { readonly code: string; readonly status: number | undefined; readonly text: string };

/**
 * A code is explained under a heading of its own: `### HW_DISK_FULL`, or `### InputError (400)`.
 */
const sectionsOf = (page: string): Section[] =>
  page.split(/^(?=#{1,3} )/m).flatMap((part) => {
    const [, code = '', status] = /^### (\w+)(?: \((\d{3})\))?\n/.exec(part) ?? [];
    const text = part.slice(part.indexOf('\n')).trim();
    return code === '' ? [] : [{ code, status: status === undefined ? undefined : Number(status), text }];
  });

const sections = sectionsOf(readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8'));
const codes: readonly string[] = [...Object.keys(OPERATOR_ERRORS), ...Object.keys(API_ERRORS)];

describe('docs/errors.md', () => {
  it('explains every code, once, and none that does not exist', () => {
    assert.deepEqual(sections.map(({ code }) => code).sort(), [...codes].sort());
  });

  it('says of each code what it means, why it comes and what to do', () => {
    for (const { code, text } of sections) {
      const [means = '', why = '', cure = ''] = text.split(/^\*\*(?:Why|What to do):\*\*/m);
      assert.ok(means.trim().length > 20, `${code} has no meaning`);
      assert.ok(why.trim().length > 20, `${code} has no "**Why:**"`);
      assert.ok(cure.trim().length > 20, `${code} has no "**What to do:**"`);
    }
  });

  it('names the status of those that callers meet', () => {
    const named = Object.fromEntries(sections.flatMap(({ code, status }) => (status ? [[code, status]] : [])));
    assert.deepEqual(named, API_ERRORS);
  });
});

it('the check sees what is missing and what is too much', () => {
  const page = '# Errors\n\n## Some\n\n### ONE\n\ntext\n\n### Two (404)\n\n**Why:** because\n### not a code\n';
  assert.deepEqual(sectionsOf(page), [
    { code: 'ONE', status: undefined, text: 'text' },
    { code: 'Two', status: 404, text: '**Why:** because' },
  ]);
});
