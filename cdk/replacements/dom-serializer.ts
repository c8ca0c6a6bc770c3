/** Takes the place of `dom-serializer` in the bundles: html-to-text writes HTML by it where a formatter keeps HTML. */
export const render = (): never => {
  throw new Error('No formatter keeps HTML');
};
