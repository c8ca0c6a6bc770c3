export type JsonSchema = Readonly<Record<string, unknown>>;

const alternativesOf = (schema: JsonSchema): readonly JsonSchema[] => {
  const alternatives = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(alternatives)) return (alternatives as JsonSchema[]).flatMap(alternativesOf);
  return Array.isArray(schema['type']) ? schema['type'].map((type) => ({ ...schema, type })) : [schema];
};

const partsOf = (schema: JsonSchema): readonly JsonSchema[] =>
  Array.isArray(schema['allOf']) ? (schema['allOf'] as JsonSchema[]) : [schema];

const propertiesOf = (schema: JsonSchema): Readonly<Record<string, JsonSchema>> =>
  (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;

const requiredOf = (schema: JsonSchema): readonly string[] => (schema['required'] ?? []) as readonly string[];

const valuesOf = (schema: JsonSchema): readonly unknown[] | undefined =>
  schema['const'] === undefined ? (schema['enum'] as readonly unknown[] | undefined) : [schema['const']];

const isOpen = (schema: JsonSchema): boolean =>
  ['type', 'const', 'enum', 'anyOf', 'oneOf', 'allOf', 'properties'].every((keyword) => schema[keyword] === undefined);

const isObject = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null;

const lowerBounds = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems'];
const upperBounds = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems'];
/** What narrows a value in a way that is not compared: it must be the same on both sides, or not asked for. */
const narrowing = ['pattern', 'format', 'multipleOf', 'propertyNames'];

const compareBounds = (writes: JsonSchema, reads: JsonSchema, place: string): readonly string[] => {
  const isOutside = (keyword: string, beyond: (written: number, read: number) => boolean): boolean => {
    const read = reads[keyword];
    if (typeof read !== 'number') return false;
    const written = writes[keyword];
    return typeof written !== 'number' || beyond(written, read);
  };
  return [
    ...lowerBounds.filter((keyword) => isOutside(keyword, (written, read) => written < read)),
    ...upperBounds.filter((keyword) => isOutside(keyword, (written, read) => written > read)),
    ...narrowing.filter(
      (keyword) => reads[keyword] !== undefined && JSON.stringify(reads[keyword]) !== JSON.stringify(writes[keyword]),
    ),
  ].map(
    (keyword) =>
      `${place}: ${keyword} ${JSON.stringify(writes[keyword])} is written, ${JSON.stringify(reads[keyword])} is read`,
  );
};

const compareObjects = (writes: JsonSchema, reads: JsonSchema, place: string): readonly string[] => {
  const [written, read] = [propertiesOf(writes), propertiesOf(reads)];
  const values = writes['additionalProperties'];
  const others = reads['additionalProperties'];
  return [
    ...requiredOf(reads)
      .filter((name) => !requiredOf(writes).includes(name))
      .map((name) => `${place}.${name}: is read always, and not always written`),
    ...Object.entries(written).flatMap(([name, schema]) => {
      const reader = read[name] ?? (isObject(others) ? others : undefined);
      if (reader !== undefined) return findIncompatibilities(schema, reader, `${place}.${name}`);
      return others === false ? [`${place}.${name}: is written, and nothing further is read`] : [];
    }),
    ...(isObject(values) && isObject(others) ? findIncompatibilities(values, others, `${place}.*`) : []),
  ];
};

const compareOne = (writes: JsonSchema, reads: JsonSchema, place: string): readonly string[] => {
  const [written, read] = [valuesOf(writes), valuesOf(reads)];
  if (read !== undefined) {
    const unread = written?.filter((value) => !read.includes(value));
    if (unread === undefined) return [`${place}: anything is written, ${JSON.stringify(read)} is read`];
    return unread.map((value) => `${place}: ${JSON.stringify(value)} is written, and not read`);
  }
  const [from, to] = [writes['type'] ?? typeof written?.[0], reads['type']];
  if (to !== undefined && from !== to && !(from === 'integer' && to === 'number'))
    return [`${place}: ${String(from)} is written, ${String(to)} is read`];
  if (written !== undefined) return [];
  return [
    ...compareBounds(writes, reads, place),
    ...(to === 'object' ? compareObjects(writes, reads, place) : []),
    ...(isObject(writes['items']) && isObject(reads['items'])
      ? findIncompatibilities(writes['items'], reads['items'], `${place}[]`)
      : []),
  ];
};

/**
 * What a writer may write that a reader would refuse, as sentences that name the place; none where the reader takes all
 * of it. Fields that the reader does not know are no harm unless it forbids them.
 */
export const findIncompatibilities = (writes: JsonSchema, reads: JsonSchema, place = ''): readonly string[] =>
  alternativesOf(writes).flatMap((written) => {
    if ('$ref' in written || '$ref' in reads) throw new Error(`${place} refers to a schema that stands elsewhere`);
    if (isOpen(reads)) return [];
    const attempts = alternativesOf(reads).map((read) =>
      partsOf(read).flatMap((part) => partsOf(written).flatMap((one) => compareOne(one, part, place))),
    );
    // The alternative that comes nearest tells best what is wrong.
    const [nearest = []] = attempts.toSorted((one, other) => one.length - other.length);
    return nearest;
  });
