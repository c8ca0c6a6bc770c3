/** Takes the place of `pino` in the bundles: imapflow calls it only when it is given no logger, and it always is. */
const pino = (): never => {
  throw new Error('Give imapflow a logger, or false');
};

// biome-ignore lint/style/noDefaultExport: it stands in for a package that has one
export default pino;
