declare module 'html-to-text' {
  /** The part of the library that the hub uses. */
  export interface HtmlToTextOptions {
    readonly wordwrap?: number | false;
    readonly limits?: {
      readonly maxInputLength?: number;
      readonly maxDepth?: number;
      readonly maxChildNodes?: number;
      readonly ellipsis?: string;
    };
    readonly selectors?: readonly {
      readonly selector: string;
      readonly format?: string;
      readonly options?: Readonly<Record<string, unknown>>;
    }[];
  }
  export const convert: (html: string, options?: HtmlToTextOptions) => string;
}
