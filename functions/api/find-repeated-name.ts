/** Where the walk is inside of an object or an array. */
interface Place {
  /** Names of the object so far; undefined in an array. */
  readonly names: Set<string> | undefined;
  /** Of the member that is being read. */
  token: string | number;
}

const endOfString = (text: string, start: number): number => {
  for (let at = start + 1; ; at += 1) {
    const character = text[at];
    if (character === '\\') at += 1;
    else if (character === '"' || character === undefined) return at;
  }
};

/**
 * Where an object names a member twice: the path of the first repetition, undefined when there is none. RFC 8259 (section
 * 4) leaves open what that means, and programs that a request passes on its way may not agree. Walks the text without
 * recursion, whatever its depth.
 *
 * @param text JSON that has been parsed before
 */
export const findRepeatedName = (text: string): readonly (string | number)[] | undefined => {
  const places: Place[] = [];
  let expectsName = false;
  for (let at = 0; at < text.length; at += 1) {
    const place = places.at(-1);
    switch (text[at]) {
      case '{':
        places.push({ names: new Set(), token: '' });
        expectsName = true;
        break;
      case '[':
        places.push({ names: undefined, token: 0 });
        expectsName = false;
        break;
      case '}':
      case ']':
        places.pop();
        expectsName = false;
        break;
      case ',':
        expectsName = place?.names !== undefined;
        if (place !== undefined && typeof place.token === 'number') place.token += 1;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (expectsName && place?.names !== undefined) {
          const name: string = JSON.parse(text.slice(at, end + 1));
          place.token = name;
          if (place.names.has(name)) return places.map(({ token }) => token);
          place.names.add(name);
          expectsName = false;
        }
        at = end;
        break;
      }
      default:
    }
  }
  return undefined;
};
