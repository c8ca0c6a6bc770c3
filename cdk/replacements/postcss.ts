/** Takes the place of `postcss` in the bundles: sanitize-html parses style attributes by it only where it is told to. */
export const parse = (): never => {
  throw new Error('Set parseStyleAttributes to false');
};
