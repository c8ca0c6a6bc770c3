/**
 * Takes the place of `encoding-japanese` (230 KB) in the bundles. Who calls it goes on with `iconv-lite` when it
 * fails, and the replacement of that has Node's own decoders.
 */
const convert = (): never => {
  throw new RangeError('Japanese text is decoded by TextDecoder');
};

const encoding = { convert };

// biome-ignore lint/style/noDefaultExport: it stands in for a package that has one
export default encoding;
export { convert };
