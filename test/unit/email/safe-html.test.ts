import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeHtmlSafe } from '../../../shared/email/safe-html.ts';
import { actingMarkup, readMarkup } from '../../support/html-markup.ts';

describe('the HTML of a received message', () => {
  it('keeps what makes it readable', () => {
    const html =
      '<div style="color:#333;font-family:Arial"><p>Dear <b>Anna</b>,</p><table border="1"><tr><td colspan="2">1</td></tr></table></div>';

    expect(makeHtmlSafe(html)).toBe(html);
  });

  it.each([
    [
      'a button',
      '<a href="https://shop.example" style="background:#0055aa;border-radius:4px;color:#ffffff;display:inline-block;padding:12px 24px" rel="noopener noreferrer nofollow" target="_blank">Buy</a>',
    ],
    ['a preview that is not shown', '<div style="display:none;max-height:0;overflow:hidden">Now with 20 % off</div>'],
    ['type', '<p style="font:14px/20px Arial,sans-serif;letter-spacing:-0.5px">Dear Anna</p>'],
    [
      'columns',
      '<table style="border-collapse:collapse;table-layout:fixed;width:calc(100% - 20px)"><tr><td style="border-bottom-color:#ccc">1</td></tr></table>',
    ],
  ])('keeps what a newsletter cannot be read without: %s', (_, html) => {
    expect(makeHtmlSafe(html)).toBe(html);
  });

  it('keeps the ground on which light text is read', () => {
    const html =
      '<html><body bgcolor="#222" text="#eee" style="margin:0"><p style="color:#fff">Dear Anna</p></body></html>';

    expect(makeHtmlSafe(html)).toBe(
      '<div style="background-color:#222;color:#eee;margin:0"><p style="color:#fff">Dear Anna</p></div>',
    );
    expect(makeHtmlSafe('<body bgcolor="red;position:fixed"><p>x</p></body>')).not.toContain('position');
  });

  it.each([
    'margin-top:-2000px',
    'margin:0 -3px',
    'margin-top:-.99em',
    'margin:calc(0px - 500px)',
    'text-indent:-999em',
    'letter-spacing:-5em',
  ])('draws nothing over what stands before it: %s', (style) => {
    expect(makeHtmlSafe(`<p style="${style}">x</p>`)).toBe('<p>x</p>');
  });

  it('has no links into the page that shows it', () => {
    for (const href of [
      '/v1/session',
      'logout',
      '?delete=1',
      '#top',
      '//client.example',
      'https:logout',
      'https:/logout',
    ])
      expect(makeHtmlSafe(`<a href="${href}">x</a>`)).not.toContain('href');
  });

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<svg onload=alert(1)><script>alert(1)</script></svg>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="jAvAsCrIpT&#58;alert(1)">x</a>',
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<iframe src="https://evil.example"></iframe>',
    '<object data="https://evil.example"></object><embed src="https://evil.example">',
    '<form action="https://evil.example"><input name="password"><button formaction="javascript:alert(1)">Go</button></form>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example"><base href="https://evil.example">',
    '<link rel="stylesheet" href="https://evil.example/a.css"><style>@import "https://evil.example/b.css"</style>',
    '<div style="background:url(https://evil.example/p.gif)">x</div>',
    '<div style="background-color:expression(alert(1))">x</div>',
    '<div style="color:red;back\\67round:u\\72l(https://evil.example)">x</div>',
    `<div style="background:image-set('p.gif' 1x);background-color:-webkit-image-set('p.gif' 1x)">x</div>`,
    '<div style="position:fixed;top:0;left:0;z-index:9999">x</div>',
    '<body background="https://evil.example/p.gif"><video src="https://evil.example/v.mp4" autoplay></video>',
    '<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<img src="data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+">',
    '<img srcset="https://evil.example/p.gif 1x" src="cid:a">',
    '<picture><source srcset="https://evil.example/p.gif"></picture>',
    '<template><script>alert(1)</script></template><xmp><script>alert(1)</script></xmp>',
    '<!--[if IE]><script>alert(1)</script><![endif]-->',
  ])('loses what could act or fetch: %s', (html) => {
    const safe = makeHtmlSafe(html);

    expect(safe).not.toMatch(
      /<(?:script|style|iframe|object|embed|form|input|button|meta|base|link|svg|math|video|source)/i,
    );
    expect(safe).not.toMatch(/\son\w+\s*=|javascript:|expression|url\(|image-set|srcset|position|alert\(1\)/i);
    expect(safe).not.toMatch(/(?<!data-external-)(?:src|background|data|action)="?(?:https?:)?\/\/evil/i);
  });

  it('fetches no picture from the web, and lets its reader be asked', () => {
    expect(makeHtmlSafe('<img src="https://client.example/logo.png" alt="Logo">')).toBe(
      '<img alt="Logo" data-external-src="https://client.example/logo.png" />',
    );
    expect(makeHtmlSafe('<img src="//client.example/pixel.gif">')).toContain('data-external-src=');
  });

  it('keeps the pictures of the message itself', () => {
    expect(makeHtmlSafe('<img src="cid:logo@client.example">')).toBe('<img src="cid:logo@client.example" />');
    expect(makeHtmlSafe('<img src="data:image/png;base64,iVBORw0KGgo=">')).toContain('data:image/png');
  });

  it('opens its links elsewhere, without telling where from', () => {
    expect(makeHtmlSafe('<a href="https://client.example/offer">Offer</a>')).toBe(
      '<a href="https://client.example/offer" rel="noopener noreferrer nofollow" target="_blank">Offer</a>',
    );
  });

  it('stays as it is when it is made safe again, whatever it was', () => {
    const pieces = fc.constantFrom(
      '<div>',
      '</div>',
      '<b',
      '>',
      '"',
      "'",
      '<script>',
      '</script>',
      '<img src=x onerror=',
      '<a href="javascript:',
      '&lt;',
      '&#x3c;',
      '<!--',
      '-->',
      '<style>',
      '</style>',
      ' style="color:red',
      'text',
      '<svg>',
      '<![CDATA[',
      ']]>',
      '\0',
      '/',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 5 })), { maxLength: 30 }), (parts) => {
        const safe = makeHtmlSafe(parts.join(''));

        expect(makeHtmlSafe(safe)).toBe(safe);
        expect(readMarkup(safe)).not.toMatch(actingMarkup);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['nested a million times', '<b>x'.repeat(1_000_000)],
    ['of a million elements', '<i>x</i>'.repeat(500_000)],
    ['of a million beginnings', '<a href="x'.repeat(400_000)],
    ['of a million unknown elements', '<zz>x'.repeat(800_000)],
  ])('%s is left with its text', (_, html) => {
    expect(makeHtmlSafe(html)).not.toContain('<b');
  });

  it('keeps long lists and tables, whose elements need no end', () => {
    const safe = makeHtmlSafe(`<table>${'<tr><td>x'.repeat(5_000)}</table><ul>${'<li>y<br>z'.repeat(5_000)}</ul>`);

    expect(safe.match(/<td>/g)).toHaveLength(5_000);
    expect(safe.match(/<li>/g)).toHaveLength(5_000);
  });
});
