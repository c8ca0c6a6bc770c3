import sanitizeHtml from 'sanitize-html';

/** How text looks, and nothing that places it over other things or fetches something. */
const styleProperties =
  /^(?:background(?:-color)?|border(?:-(?:collapse|radius|spacing)|(?:-(?:top|right|bottom|left))?(?:-(?:color|style|width))?)|color|direction|display|font(?:-(?:family|size|style|variant|weight))?|letter-spacing|line-height|list-style-type|(?:margin|padding)(?:-(?:top|right|bottom|left))?|(?:max-|min-)?(?:height|width)|overflow|table-layout|text-(?:align|decoration|indent|transform)|vertical-align|visibility|white-space|word-(?:break|spacing|wrap))$/;
/** No backslash (CSS escapes), no angle bracket, no at-rule; functions are those of colours and lengths. */
const styleValue = /^[\w\s#%.,()/'"!+-]{1,300}$/;
const styleFunctions = /^(?:rgba?|hsla?|linear-gradient|radial-gradient|calc)?$/i;
/**
 * With a length below zero they draw text over what stands before it; a little of it is how headings are set. An em is
 * as much as the message says.
 */
const pullingProperties = /^(?:margin|text-indent|letter-spacing|word-spacing)/;
const pulling = /-\s*(?!(?:0|[12](?:\.\d+)?px|0?\.\d+px|0?\.0\d*em)(?![\w.]))[\d.]|calc/i;

const isSafeDeclaration = (property: string, value: string): boolean =>
  styleProperties.test(property) &&
  styleValue.test(value) &&
  [...value.matchAll(/([\w-]*)\s*\(/g)].every(([, name = '']) => styleFunctions.test(name)) &&
  !(pullingProperties.test(property) && pulling.test(value));

const safeStyle = (style: string): string =>
  style
    .split(';')
    .map((declaration) => {
      const colon = declaration.indexOf(':');
      const [property, value] = [declaration.slice(0, colon).trim().toLowerCase(), declaration.slice(colon + 1).trim()];
      return colon > 0 && isSafeDeclaration(property, value) ? `${property}:${value}` : '';
    })
    .filter((declaration) => declaration !== '')
    .join(';');

/** What a message says of its whole page: light text is written for the dark ground that it gives. */
const pageStyle = ({ bgcolor, text, style }: sanitizeHtml.Attributes): string =>
  [bgcolor && `background-color:${bgcolor}`, text && `color:${text}`, style].filter(Boolean).join(';');

/** A link without a place of its own would lead into the page that shows the message: so does `https:path` (WHATWG URL). */
const leadsAway = (href: string): boolean => /^\s*(?:https?:\/\/|mailto:|tel:)/i.test(href);

const isExternal = (source: string): boolean => /^(?:https?:)?\/\//i.test(source.trim());

const common = ['style', 'dir', 'lang', 'title', 'align', 'valign', 'width', 'height', 'bgcolor'];

const policy: sanitizeHtml.IOptions = {
  allowedTags: [
    ...['a', 'abbr', 'address', 'article', 'b', 'bdi', 'bdo', 'big', 'blockquote', 'br', 'caption', 'center', 'cite'],
    ...['code', 'col', 'colgroup', 'dd', 'del', 'details', 'dfn', 'div', 'dl', 'dt', 'em', 'figcaption', 'figure'],
    ...['font', 'footer', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'header', 'hr', 'i', 'img', 'ins', 'kbd', 'li', 'main'],
    ...['mark', 'ol', 'p', 'pre', 'q', 's', 'samp', 'section', 'small', 'span', 'strike', 'strong', 'sub', 'summary'],
    ...['sup', 'table', 'tbody', 'td', 'tfoot', 'th', 'thead', 'time', 'tr', 'tt', 'u', 'ul', 'var', 'wbr'],
  ],
  allowedAttributes: {
    '*': common,
    a: ['href', 'name', 'rel', 'target'],
    img: ['src', 'alt', 'data-external-src'],
    font: ['color', 'face', 'size'],
    table: ['border', 'cellpadding', 'cellspacing'],
    td: ['colspan', 'rowspan', 'nowrap'],
    th: ['colspan', 'rowspan', 'nowrap', 'scope'],
    ol: ['start', 'type'],
    col: ['span'],
    time: ['datetime'],
  },
  allowedSchemes: ['http', 'https', 'mailto', 'tel'],
  allowedSchemesByTag: { img: ['cid', 'data'] },
  allowProtocolRelative: false,
  disallowedTagsMode: 'discard',
  nonTextTags: ['script', 'style', 'textarea', 'option', 'noscript', 'title', 'template', 'xmp', 'iframe', 'object'],
  nestingLimit: 200,
  parseStyleAttributes: false,
  transformTags: {
    '*': (tagName, attribs) => ({
      tagName,
      attribs: attribs['style'] === undefined ? attribs : { ...attribs, style: safeStyle(attribs['style']) },
    }),
    body: (tagName, attribs) => {
      const style = pageStyle(attribs);
      return style === '' ? { tagName, attribs } : { tagName: 'div', attribs: { style } };
    },
    a: (tagName, { href, ...attribs }) => ({
      tagName,
      attribs: {
        ...(href !== undefined && leadsAway(href) ? { href } : {}),
        ...attribs,
        rel: 'noopener noreferrer nofollow',
        target: '_blank',
      },
    }),
    img: (tagName, { src, 'data-external-src': _, ...attribs }) => ({
      tagName,
      attribs: {
        ...attribs,
        ...(src === undefined ? {} : isExternal(src) ? { 'data-external-src': src } : { src }),
      },
    }),
  },
  exclusiveFilter: ({ tag, attribs }) => tag === 'img' && !isSafeImage(attribs['src']),
};

/** Of data: URLs only pictures without a language of their own; SVG can hold scripts and links. */
const isSafeImage = (source: string | undefined): boolean =>
  source === undefined || /^(?:cid:|data:image\/(?:png|jpe?g|gif|webp|bmp);base64,)/i.test(source.trim());

// Nesting costs the parser the square of its depth. Nobody wrote so many elements: a program did, to keep others busy.
const deepest = 2_000;
const mostElements = 50_000;
/** They have no end, or one that is left out as a rule: the parser ends them by itself. */
const endless =
  /^(?:area|base|br|col|dd|dt|embed|hr|img|input|li|link|meta|option|p|source|tbody|td|tfoot|th|thead|tr|track|wbr)$/;

const isTooComplex = (html: string): boolean => {
  let elements = 0;
  let depth = 0;
  for (const [, end, name = ''] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)/gi)) {
    elements += 1;
    if (!endless.test(name.toLowerCase())) depth = Math.max(0, depth + (end === '/' ? -1 : 1));
    if (elements > mostElements || depth > deepest) return true;
  }
  return false;
};

const withoutElements = (html: string): string => html.replace(/<[^<>]*>/g, ' ');

/**
 * HTML of a received message as it may be shown in a page: no scripts, frames, forms or style sheets, nothing that is
 * placed over the page, nothing that is fetched when it is shown. Where a picture from the web stood, `img` has
 * `data-external-src`, so that its reader can be asked. Pictures of the message itself keep their `cid:`. Of HTML that is
 * nested or cut into elements beyond all reason the bare text is left. It may be larger than the place where it is shown,
 * which must cut it off.
 */
export const makeHtmlSafe = (html: string): string =>
  sanitizeHtml(isTooComplex(html) ? withoutElements(html) : html, policy);
