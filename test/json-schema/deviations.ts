// Where the compiler of trigger schemas is not as the JSON Schema Test Suite has it, and why. What
// is `refused` is a schema that cannot be saved, which its author is told.

export type Deviation = {
  readonly why: string;
  readonly in: readonly string[];
  readonly cases: readonly string[];
};

export const DEVIATIONS: readonly Deviation[] = [
  {
    why: 'Defaults are filled in, as hooks have always had it.',
    in: ['draft7', 'draft2019-09', 'draft2020-12'],
    cases: [
      'default: invalid type for default: still valid when the invalid default is used',
      'default: invalid string value for default: still valid when the invalid default is used',
      'default: the default keyword does not do anything if the property is missing: missing properties are not filled in with the default',
    ],
  },
  {
    why: 'A format that is not checked is refused: it would let everything through.',
    in: ['draft7', 'draft2019-09', 'draft2020-12'],
    cases: [
      'format: idn-email format: refused',
      'format: idn-hostname format: refused',
      'format: iri format: refused',
      'format: iri-reference format: refused',
      'optional/format/idn-email: validation of an internationalized e-mail addresses: refused',
      'optional/format/idn-hostname: validation of internationalized host names: refused',
      'optional/format/iri-reference: validation of IRI References: refused',
      'optional/format/iri: validation of IRIs: refused',
      'optional/format/unknown: unknown format: refused',
    ],
  },
  {
    why: 'Ajv passes over a property `__proto__` of a schema.',
    in: ['draft7', 'draft2019-09', 'draft2020-12'],
    cases: ['properties: properties whose names are Javascript object property names: __proto__ not valid'],
  },
  {
    why: 'Ajv looks at what stands beside a `$ref` also in draft 7.',
    in: ['draft7'],
    cases: [
      'ref: ref overrides any sibling keywords: ref valid, maxItems ignored',
      'ref: $ref prevents a sibling $id from changing the base uri: $ref resolves to /definitions/base_foo, data does not validate',
      'ref: $ref prevents a sibling $id from changing the base uri: $ref resolves to /definitions/base_foo, data validates',
    ],
  },
  {
    why: 'A reference that leads out of the schema is refused: nothing is fetched.',
    in: ['draft7', 'draft2019-09', 'draft2020-12'],
    cases: [
      'refRemote: remote ref: refused',
      'refRemote: fragment within remote ref: refused',
      'refRemote: ref within remote ref: refused',
      'refRemote: base URI change: refused',
      'refRemote: base URI change - change folder: refused',
      'refRemote: base URI change - change folder in subschema: refused',
      'refRemote: root ref in remote ref: refused',
      'refRemote: Location-independent identifier in remote ref: refused',
      'refRemote: retrieved nested refs resolve relative to their URI not $id: refused',
    ],
  },
  {
    why: 'A reference that leads out of the schema is refused: nothing is fetched.',
    in: ['draft7'],
    cases: ['refRemote: remote ref with ref to definitions: refused'],
  },
  {
    why: 'A reference that leads out of the schema is refused: nothing is fetched.',
    in: ['draft7', 'draft2019-09'],
    cases: ['optional/cross-draft: refs to future drafts are processed as future drafts: refused'],
  },
  {
    why: 'A reference that leads out of the schema is refused: nothing is fetched.',
    in: ['draft2019-09', 'draft2020-12'],
    cases: [
      'refRemote: anchor within remote ref: refused',
      'refRemote: remote ref with ref to defs: refused',
      'refRemote: remote HTTP ref with different $id: refused',
      'refRemote: remote HTTP ref with different URN $id: refused',
      'refRemote: remote HTTP ref with nested absolute ref: refused',
      'optional/cross-draft: refs to historic drafts are processed as historic drafts: refused',
    ],
  },
  {
    why: 'A reference that leads out of the schema is refused: nothing is fetched.',
    in: ['draft2020-12'],
    cases: [
      'dynamicRef: strict-tree schema, guards against misspelled properties: refused',
      'dynamicRef: tests for implementation dynamic anchor and reference link: refused',
      'dynamicRef: $ref and $dynamicAnchor are independent of order - $defs first: refused',
      'dynamicRef: $ref and $dynamicAnchor are independent of order - $ref first: refused',
    ],
  },
  {
    why: 'Ajv takes an `$id` within an unknown keyword or a constant for one.',
    in: ['draft7', 'draft2019-09', 'draft2020-12'],
    cases: ['unknownKeyword: $id inside an unknown keyword is not a real identifier: refused'],
  },
  {
    why: 'What a text holds is not looked into.',
    in: ['draft7'],
    cases: [
      'optional/content: validation of string-encoded content based on media type: an invalid JSON document',
      'optional/content: validation of binary string-encoding: an invalid base64 string (% is not a valid character)',
      'optional/content: validation of binary-encoded media type documents: a validly-encoded invalid JSON document',
      'optional/content: validation of binary-encoded media type documents: an invalid base64 string that is valid JSON',
    ],
  },
  {
    why: 'A number divided by 0.5 overflows.',
    in: ['draft7', 'draft2019-09', 'draft2020-12'],
    cases: [
      'optional/float-overflow: all integers are multiples of 0.5, if overflow is handled: valid if optional overflow handling is implemented',
    ],
  },
  {
    why: 'Ajv does not count `$anchor` among the keywords that it knows, and an unknown keyword is refused.',
    in: ['draft2019-09', 'draft2020-12'],
    cases: [
      'anchor: Location-independent identifier: refused',
      'anchor: Location-independent identifier with absolute URI: refused',
      'anchor: Location-independent identifier with base URI change in subschema: refused',
      'anchor: $anchor inside an enum is not a real identifier: refused',
      'anchor: same $anchor with different base uri: refused',
      'ref: order of evaluation: $id and $anchor and $ref: refused',
      'ref: URN base URI with URN and anchor ref: refused',
    ],
  },
  {
    why: 'Ajv does not count `$anchor` among the keywords that it knows, and an unknown keyword is refused.',
    in: ['draft2020-12'],
    cases: [
      'dynamicRef: A $dynamicRef that initially resolves to a schema without a matching $dynamicAnchor behaves like a normal $ref to $anchor: refused',
    ],
  },
  {
    why: 'Ajv resolves `$recursiveRef` and `$dynamicRef` by name, and does not look at what it finds there.',
    in: ['draft2019-09'],
    cases: [
      'recursiveRef: $recursiveRef with no $recursiveAnchor in the initial target schema resource: leaf node matches: recursion uses the inner schema',
      'recursiveRef: $recursiveRef with no $recursiveAnchor in the initial target schema resource: leaf node does not match: recursion uses the inner schema',
    ],
  },
  {
    why: 'Ajv resolves `$recursiveRef` and `$dynamicRef` by name, and does not look at what it finds there.',
    in: ['draft2020-12'],
    cases: [
      'dynamicRef: A $dynamicRef to a $dynamicAnchor in the same schema resource behaves like a normal $ref to an $anchor: An array of strings is valid',
      'dynamicRef: A $dynamicRef to an $anchor in the same schema resource behaves like a normal $ref to an $anchor: An array of strings is valid',
      'dynamicRef: A $dynamicRef resolves to the first $dynamicAnchor still in scope that is encountered when the schema is evaluated: An array of strings is valid',
      'dynamicRef: A $dynamicRef without anchor in fragment behaves identical to $ref: An array of numbers is valid',
      "dynamicRef: A $dynamicRef with intermediate scopes that don't include a matching $dynamicAnchor does not affect dynamic scope resolution: An array of strings is valid",
      'dynamicRef: An $anchor with the same name as a $dynamicAnchor is not used for dynamic scope resolution: Any array is valid',
      'dynamicRef: A $dynamicRef without a matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor: Any array is valid',
      'dynamicRef: A $dynamicRef with a non-matching $dynamicAnchor in the same schema resource behaves like a normal $ref to $anchor: Any array is valid',
    ],
  },
  {
    why: 'Ajv follows an `$id` beside a `$ref` without end, and the schema is refused.',
    in: ['draft2019-09', 'draft2020-12'],
    cases: [
      'ref: refs with relative uris and defs: refused',
      'ref: relative refs with absolute uris and defs: refused',
      'ref: URN ref with nested pointer ref: refused',
    ],
  },
  {
    why: 'Ajv does not count what `contains` found as evaluated, and counts `items` within `anyOf` otherwise.',
    in: ['draft2019-09', 'draft2020-12'],
    cases: [
      'unevaluatedItems: unevaluatedItems with nested items: with no additional items',
      'unevaluatedItems: unevaluatedItems with nested items: with invalid additional item',
    ],
  },
  {
    why: 'Ajv does not count what `contains` found as evaluated, and counts `items` within `anyOf` otherwise.',
    in: ['draft2020-12'],
    cases: [
      'unevaluatedItems: unevaluatedItems depends on adjacent contains: contains passes, second item is not evaluated',
      'unevaluatedItems: unevaluatedItems depends on multiple nested contains: 7 not evaluated, fails unevaluatedItems',
      "unevaluatedItems: unevaluatedItems and contains interact to control item dependency relationship: only b's are invalid",
      "unevaluatedItems: unevaluatedItems and contains interact to control item dependency relationship: only c's are invalid",
      "unevaluatedItems: unevaluatedItems and contains interact to control item dependency relationship: only b's and c's are invalid",
      "unevaluatedItems: unevaluatedItems and contains interact to control item dependency relationship: only a's and c's are invalid",
    ],
  },
  {
    why: 'Ajv counts what a failed `if` without `then` has seen as evaluated.',
    in: ['draft2019-09', 'draft2020-12'],
    cases: [
      'unevaluatedProperties: unevaluatedProperties with if/then/else, then not defined: when if is false and has unevaluated properties',
    ],
  },
  {
    why: 'A `$schema` of one’s own is refused: nothing is fetched.',
    in: ['draft2019-09', 'draft2020-12'],
    cases: [
      'vocabulary: schema that uses custom metaschema with with no validation vocabulary: refused',
      'vocabulary: ignore unrecognized optional vocabulary: refused',
    ],
  },
  {
    why: 'A `$schema` of one’s own is refused: nothing is fetched.',
    in: ['draft2020-12'],
    cases: [
      'optional/format-assertion: schema that uses custom metaschema with format-assertion: false: refused',
      'optional/format-assertion: schema that uses custom metaschema with format-assertion: true: refused',
    ],
  },
  {
    why: 'An unknown keyword is refused: a misspelt one would let through what its author meant to keep out.',
    in: ['draft2019-09', 'draft2020-12'],
    cases: [
      'optional/refOfUnknownKeyword: reference of a root arbitrary keyword : refused',
      'optional/refOfUnknownKeyword: reference of an arbitrary keyword of a sub-schema: refused',
    ],
  },
  {
    why: 'Ajv resolves `$dynamicRef` within one schema only.',
    in: ['draft2020-12'],
    cases: [
      'dynamicRef: A $dynamicRef that initially resolves to a schema with a matching $dynamicAnchor resolves to the first $dynamicAnchor in the dynamic scope: refused',
      'dynamicRef: after leaving a dynamic scope, it is not used by a $dynamicRef: refused',
    ],
  },
  {
    why: 'The format `regex` takes what is a pattern without the flag `u`.',
    in: ['draft2020-12'],
    cases: ['optional/ecmascript-regex: \\a is not an ECMA 262 control escape: when used as a pattern'],
  },
  {
    why: 'The format `email` takes no quoted local parts and no addresses in place of a domain.',
    in: ['draft2020-12'],
    cases: [
      'optional/format/email: validation of e-mail addresses: a quoted string with a space in the local part is valid',
      'optional/format/email: validation of e-mail addresses: a quoted string with a double dot in the local part is valid',
      'optional/format/email: validation of e-mail addresses: a quoted string with a @ in the local part is valid',
      'optional/format/email: validation of e-mail addresses: an IPv4-address-literal after the @ is valid',
      'optional/format/email: validation of e-mail addresses: an IPv6-address-literal after the @ is valid',
    ],
  },
];
