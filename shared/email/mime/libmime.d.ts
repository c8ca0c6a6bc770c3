/** The parts of libmime that are used here; the package brings no types. */
declare module 'libmime' {
  const libmime: {
    /** A value with parameters, continuations of RFC 2231 joined. */
    parseHeaderValue(text: string): { readonly value?: string; readonly params?: Readonly<Record<string, string>> };
    /** Joins the lines of format=flowed, RFC 3676. */
    decodeFlowed(text: string, deleteSpace: boolean): string;
  };
  export = libmime;
}
