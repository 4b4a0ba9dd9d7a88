import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { Ajv, type AnySchemaObject } from 'ajv';
import fc from 'fast-check';
import { sameJson } from '../../../core/json.ts';
import { compileTriggerSchema } from './trigger-schema.ts';

const problemsOf = (schema: AnySchemaObject, payload: unknown) => {
  const compilation = compileTriggerSchema(schema);
  if (!compilation.ok) return assert.fail(compilation.problem);
  return compilation.schema.check(payload, 0);
};
const textsOf = (schema: AnySchemaObject, payload: unknown) => problemsOf(schema, payload).map(({ text }) => text);

describe('a name in a trigger schema', () => {
  it('is a name, whatever code it looks like', () => {
    for (const name of [
      'vErrors === null ? a : vErrors.concat(a)',
      'a.replace(/~/g, "~0").replace(/\\//g, "~1")',
      '\\"',
    ]) {
      const schema = { properties: { [name]: { const: 1 } }, required: [name], additionalProperties: false };
      assert.deepEqual(textsOf(schema, { [name]: 1 }), []);
      const place = `data/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      assert.deepEqual(textsOf(schema, { [name]: 2 }), [`${place} must be equal to constant`]);
      assert.deepEqual(textsOf(schema, {}), [`data must have required property '${name}'`]);
    }
  });

  it('may be long', () => {
    for (const name of ['k', '"', '\\', '~', 'vErrors === null ? '].map((part) => part.repeat(300_000))) {
      const schema = { properties: { [name]: { const: 1 } } };
      assert.deepEqual([problemsOf(schema, { [name]: 1 }).length, problemsOf(schema, { [name]: 2 }).length], [0, 1]);
    }
  });
});

describe('equality in a trigger schema', () => {
  it('is that of JSON Schema, whatever is compared', () => {
    const scalar = fc.constantFrom<unknown>(0, -0, 1, 1.5, '', '0', '1', 'a', true, false, null, '{}', '[]');
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        scalar,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', '1'), tie('value'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), value, (list, other) => {
        const [values, one] = JSON.parse(JSON.stringify([list, other])) as [unknown[], unknown];
        const distinct = values.filter((item, at) => values.findIndex((first) => sameJson(first, item)) === at);
        for (const [schema, payload] of [
          [{ uniqueItems: true }, values],
          [{ uniqueItems: false }, values],
          [{ enum: distinct }, one],
          [{ const: values[0] }, one],
        ] as const) {
          const native = new Ajv({ allErrors: true, strict: false, validateSchema: false });
          const fits = native.validate(schema, payload);
          assert.equal(problemsOf(schema, payload).length === 0, fits, JSON.stringify([schema, payload]));
        }
      }),
    );
  });

  it('says which items are equal, and what is allowed', () => {
    assert.deepEqual(textsOf({ uniqueItems: true }, [{ a: 1, b: 2 }, 'x', { b: 2, a: 1 }]), [
      'data must NOT have duplicate items (items ## 0 and 2 are identical)',
    ]);
    assert.deepEqual(textsOf({ enum: ['a', { b: 1 }] }, { b: 2 }), [
      'data must be equal to one of the allowed values: ["a",{"b":1}]',
    ]);
    assert.deepEqual(textsOf({ const: { a: 1 } }, {}), ['data must be equal to constant']);
  });

  it('calls nothing that a payload brings', () => {
    for (const name of ['valueOf', 'toString', 'constructor', '__proto__', 'hasOwnProperty', 'toJSON']) {
      const payload = () => JSON.parse(`{"${name}": 1}`);
      assert.deepEqual(problemsOf({ const: payload() }, payload()), [], name);
      assert.equal(problemsOf({ const: {} }, payload()).length, 1, name);
      assert.equal(problemsOf({ enum: [{ a: 1 }] }, payload()).length, 1, name);
      assert.equal(problemsOf({ uniqueItems: true }, [payload(), payload()]).length, 1, name);
      assert.equal(problemsOf({ uniqueItems: true }, [payload(), {}]).length, 0, name);
    }
  });

  it('of the items of a list looks at each of them once', () => {
    let looks = 0;
    const counted = (at: number) =>
      Object.defineProperty({}, 'at', {
        enumerable: true,
        get: () => {
          looks += 1;
          return at;
        },
      });
    const items = Array.from({ length: 2_000 }, (_, at) => counted(at));
    assert.deepEqual(problemsOf({ uniqueItems: true }, items), []);
    assert.ok(looks <= 3 * items.length, `${looks}`);
  });
});

describe('the place of what does not fit', () => {
  it('is a JSON pointer, whatever the names are', () => {
    const payload = { 'a/b': { '~': [1], '': [1] } };
    const schema = { additionalProperties: { additionalProperties: { items: { type: 'string' } } } };
    assert.deepEqual(
      problemsOf(schema, payload).map(({ pointer }) => pointer),
      ['/a~1b/~0/0', '/a~1b//0'],
    );
  });

  it('is not worked out again for each of many errors below one name', () => {
    const replace = mock.method(String.prototype, 'replace');
    const replaceAll = mock.method(String.prototype, 'replaceAll');
    try {
      const names = { additionalProperties: { items: { type: 'string' } } };
      const tree = {
        $ref: '#/definitions/tree',
        definitions: { tree: { type: 'string', additionalProperties: { $ref: '#/definitions/tree' } } },
      };
      for (const [schema, payload] of [
        [names, { ['/'.repeat(50)]: Array(500).fill(1) }],
        [{ patternProperties: { '.': names } }, { '/': { '~': Array(500).fill(1) } }],
        [tree, { a: Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`k${at}`, 1])) }],
      ] as const) {
        const compilation = compileTriggerSchema(schema);
        if (!compilation.ok) return assert.fail(compilation.problem);
        const before = replace.mock.callCount() + replaceAll.mock.callCount();
        assert.equal(compilation.schema.check(payload, 0).length, 21);
        const calls = replace.mock.callCount() + replaceAll.mock.callCount() - before;
        assert.ok(calls < 250, `${calls}`);
      }
    } finally {
      replace.mock.restore();
      replaceAll.mock.restore();
    }
  });
});
