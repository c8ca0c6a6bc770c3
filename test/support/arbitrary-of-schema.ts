import fc from 'fast-check';

type Json = Readonly<Record<string, unknown>>;

/** What no schema of the API asks for, and what has broken programs before. */
const wild: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1e308,
    2 ** 53,
    '',
    ' ',
    '\u0000',
    '\ud800',
    '‮\u2028',
    'ext:',
    'ext:\u0000',
    "'; --",
    '../../etc/passwd',
    '$(reboot)',
    'a\r\nb: c',
    'x'.repeat(70_000),
    [],
    {},
    [[[[[]]]]],
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.jsonValue({ maxDepth: 3 }),
  fc.constant(JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{}}}') as unknown),
);

const textOf = (schema: Json): fc.Arbitrary<string> => {
  const most = Math.min(typeof schema['maxLength'] === 'number' ? schema['maxLength'] : 60, 300);
  return fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: most }),
    fc.constantFrom(
      'anna@contoso.example',
      'ext:anna',
      '2026-11-24T10:00:00.000Z',
      'https://127.0.0.1:9/x',
      'Europe/Zurich',
      'email.*',
      'YQ==',
      '<a@b.example>',
    ),
  );
};

const numberOf = (schema: Json): fc.Arbitrary<number> => {
  const from = typeof schema['minimum'] === 'number' ? schema['minimum'] : -10;
  const to = typeof schema['maximum'] === 'number' ? Math.min(schema['maximum'], 2 ** 31) : 1_000_000;
  return fc.oneof(fc.integer({ min: Math.min(from, to), max: to }), fc.constantFrom(from, to, from - 1, to + 1, 0.5));
};

/**
 * Values of a JSON Schema, and some that miss it: now and then a field is left out, another comes along, or something
 * wild stands in a place.
 */
export const arbitraryOf = (schema: Json, definitions: Json = {}, depth = 0): fc.Arbitrary<unknown> => {
  const right = (): fc.Arbitrary<unknown> => {
    if (typeof schema['$ref'] === 'string')
      return arbitraryOf((definitions[schema['$ref'].replace(/^.*\//, '')] ?? {}) as Json, definitions, depth);
    if (schema['const'] !== undefined) return fc.constant(schema['const']);
    if (Array.isArray(schema['enum'])) return fc.constantFrom<unknown>(...schema['enum']);
    const alternatives = (schema['anyOf'] ?? schema['oneOf'] ?? schema['allOf']) as readonly Json[] | undefined;
    if (alternatives !== undefined) return fc.oneof(...alternatives.map((one) => arbitraryOf(one, definitions, depth)));
    switch (schema['type']) {
      case 'string':
        return textOf(schema);
      case 'integer':
      case 'number':
        return numberOf(schema);
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'array':
        return fc.array(arbitraryOf((schema['items'] ?? {}) as Json, definitions, depth + 1), { maxLength: 3 });
      case 'object': {
        const fields = Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, Json>>);
        const model = Object.fromEntries(
          fields.map(([name, field]) => [name, arbitraryOf(field, definitions, depth + 1)]),
        );
        const required = (schema['required'] ?? []) as string[];
        return fc.record(model, { requiredKeys: required });
      }
      default:
        return wild;
    }
  };
  return fc.oneof({ arbitrary: right(), weight: 12 }, { arbitrary: wild, weight: depth === 0 ? 1 : 2 });
};
