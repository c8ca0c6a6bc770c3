/** Takes the place of `dayjs` in the bundles: launder reads dates by it, and nobody here asks it to. */
const dayjs = (): never => {
  throw new Error('Dates are read elsewhere');
};

// biome-ignore lint/style/noDefaultExport: it stands in for a package that has one
export default dayjs;
