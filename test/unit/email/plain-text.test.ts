import { describe, expect, it } from 'vitest';
import { toPlainText } from '../../../shared/email/plain-text.ts';
import { processorTimeOf } from '../../support/processor-time.ts';

describe('the text of HTML', () => {
  it('keeps paragraphs, lists and where links lead', () => {
    const html =
      '<style>p { color: red }</style><h1>Our offer</h1><p>Dear Carl,<br>see <a href="https://contoso.example/o/3">the offer</a>.</p>' +
      '<ul><li>500 chairs</li><li>Grüße &amp; co</li></ul><img src="cid:logo" alt="Logo"><script>alert(1)</script>';

    expect(toPlainText(html)).toBe(
      'Our offer\n\nDear Carl,\nsee the offer [https://contoso.example/o/3].\n\n * 500 chairs\n * Grüße & co',
    );
  });

  it('is empty where there is nothing to read', () => {
    expect(toPlainText('<img src="cid:logo">')).toBe('');
  });

  it('lets no instruction of an address through that readers would follow', () => {
    expect(toPlainText('<a href="mailto:carl@client.example">carl@client.example</a>')).toBe('carl@client.example');
  });

  it('is not lost behind pictures within the HTML', () => {
    expect(toPlainText(`<img src="data:image/png;base64,${'A'.repeat(2_000_000)}"><p>Dear Carl</p>`)).toBe('Dear Carl');
  });

  it.each([
    ['deep', `${'<div>'.repeat(200_000)}end`],
    ['wide', '<b>x</b>'.repeat(350_000)],
    ['open', '<a href="'.repeat(300_000)],
    ['long', 'word '.repeat(600_000)],
    ['tabular', `<table>${'<tr><td>1<td>2'.repeat(150_000)}</table>`],
  ])('is made in little time even of HTML that is %s', (_, html) => {
    expect(processorTimeOf(() => void toPlainText(html))).toBeLessThan(8_000);
  });
});
