import { convert } from 'html-to-text';

// What stands deeper, and elements beyond so many in one, hardly anybody wrote: their text is left to the HTML.
const deepest = 100;
const mostChildren = 10_000;

// Nesting costs the parser the square of its depth, and nobody reads as much as plain text.
const longestHtml = 256 * 1024;

/** Pictures within the HTML itself are most of it where there are any. */
const withoutPictures = (html: string): string => html.replace(/\bdata:[^"'\s>]{200,}/g, '');

/** The text of HTML, for readers that show none: paragraphs, lists, and where links lead. What is very long is cut. */
export const toPlainText = (html: string): string => {
  const bare = withoutPictures(html);
  const text = convert(bare.slice(0, longestHtml), {
    wordwrap: 78,
    limits: { maxDepth: deepest, maxChildNodes: mostChildren },
    selectors: [
      { selector: 'a', options: { hideLinkHrefIfSameAsText: true } },
      { selector: 'img', format: 'skip' },
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    ],
  });
  return bare.length > longestHtml ? `${text}\n…` : text;
};
