import { type DefaultTreeAdapterTypes, parseFragment } from 'parse5';

/** Each element and each attribute that a browser sees in this HTML, a line each: what is text there is none of them. */
export const readMarkup = (html: string): string => {
  const linesOf = (node: DefaultTreeAdapterTypes.ChildNode): string[] =>
    'tagName' in node
      ? [node.tagName, ...node.attrs.map(({ name, value }) => `${name}=${value}`), ...node.childNodes.flatMap(linesOf)]
      : [];
  return parseFragment(html).childNodes.flatMap(linesOf).join('\n');
};

/** A line of `readMarkup` that could do something when the HTML is shown. */
export const actingMarkup = /^(?:script|style|svg)$|^on|^[\w-]+=\s*javascript:/im;
