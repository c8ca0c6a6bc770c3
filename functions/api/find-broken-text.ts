interface Step {
  readonly token: string | number;
  readonly parent: Step | undefined;
}

const pathTo = (step: Step | undefined): readonly (string | number)[] => {
  const tokens: (string | number)[] = [];
  for (let at = step; at !== undefined; at = at.parent) tokens.push(at.token);
  return tokens.reverse();
};

/**
 * Where a text holds half a character: the path of the first such string, or of the object that has a name like that;
 * undefined when there is none. JSON can write such (`"\ud83d"`), but I-JSON leaves it out (RFC 7493, section 2.1), UTF-8
 * has no form for it, and the tables would refuse it. Walks without recursion, whatever the depth.
 */
export const findBrokenText = (value: unknown): readonly (string | number)[] | undefined => {
  const pending: { readonly value: unknown; readonly step: Step | undefined }[] = [{ value, step: undefined }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value: current, step: parent } = next;
    if (typeof current === 'string' && !current.isWellFormed()) return pathTo(parent);
    if (typeof current !== 'object' || current === null) continue;
    const members: readonly (readonly [string | number, unknown])[] = Array.isArray(current)
      ? [...current.entries()]
      : Object.entries(current);
    if (members.some(([token]) => typeof token === 'string' && !token.isWellFormed())) return pathTo(parent);
    for (const [token, member] of members.toReversed()) pending.push({ value: member, step: { token, parent } });
  }
  return undefined;
};
