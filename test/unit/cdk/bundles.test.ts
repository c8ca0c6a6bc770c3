import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { bundleCode, bundleFunction } from '../../../cdk/bundle-code.ts';
import { functionNames, projectRoot } from '../../../cdk/bundling.ts';
import { toPlainText } from '../../../shared/email/plain-text.ts';
import { makeHtmlSafe } from '../../../shared/email/safe-html.ts';

const budgetBytes = 1_500_000;

describe('the bundle of each function', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bundles-'));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it.each(functionNames)('%s stays within its budget', async (name) => {
    const { loadedBytes } = await bundleFunction(name, join(directory, name));
    expect(loadedBytes).toBeLessThanOrEqual(budgetBytes);
  });
});

describe('the console in the bundle of the api', () => {
  it('is there as text, its scripts in one file that asks for no other', async () => {
    const source = "export { consoleFiles } from './functions/api/console/console-files.ts';";
    const directory = await mkdtemp(join(tmpdir(), 'console-'));
    const file = join(directory, 'console.mjs');
    await writeFile(file, await bundleCode(source));
    const { consoleFiles } = z
      .object({ consoleFiles: z.record(z.string(), z.string()) })
      .parse(await import(pathToFileURL(file).href));
    await rm(directory, { recursive: true });

    expect(Object.keys(consoleFiles).sort()).toEqual(['console.css', 'console.js', 'index.html']);
    expect(consoleFiles['console.js']).not.toMatch(/\bfrom *["']/);
    for (const [, name = ''] of consoleFiles['index.html']?.matchAll(/(?:src|href)="\/console\/([^"]+)"/g) ?? [])
      expect(Object.keys(consoleFiles)).toContain(name);
  });
});

/** Code of the lanes as it runs when it is deployed: with what stands in for packages. */
const bundledSource = `
  export { decodeText, decodeWords } from './shared/email/mime/decode-text.ts';
  export { encodePath, decodePath } from 'imapflow/lib/tools.js';
  export { makeHtmlSafe } from './shared/email/safe-html.ts';
  export { toPlainText } from './shared/email/plain-text.ts';
`;

type MailboxNames = (connection: { enabled: Set<string>; capabilities: Map<string, true> }, path: string) => string;

const moduleSchema = z.object({
  decodeText: z.custom<(bytes: Buffer, charset: string) => string>(),
  decodeWords: z.custom<(text: string) => string>(),
  encodePath: z.custom<MailboxNames>(),
  decodePath: z.custom<MailboxNames>(),
  makeHtmlSafe: z.custom<(html: string) => string>(),
  toPlainText: z.custom<(html: string) => string>(),
});

describe('what stands in for packages in the bundles', () => {
  let directory: string;
  let bundled: z.output<typeof moduleSchema>;

  const load = async (file: string): Promise<unknown> => import(pathToFileURL(file).href);

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bundle-'));
    const file = join(directory, 'bundled.mjs');
    await writeFile(file, await bundleCode(bundledSource));
    bundled = moduleSchema.parse(await load(file));
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it.each([
    ['gb2312', '报价', 'b1a8bcdb'],
    ['cp936', '报价', 'b1a8bcdb'],
    ['gb18030', '报价€', 'b1a8bcdba2e3'],
    ['big5', '報價', 'b3f8bbf9'],
    ['cp950', '報價', 'b3f8bbf9'],
    ['shift_jis', '見積書', '8ca990cf8f91'],
    ['cp932', '見積書', '8ca990cf8f91'],
    ['euc-jp', '見積書', 'b8abc0d1bdf1'],
    ['iso-2022-jp', '見積書', '1b2442382b40513d711b2842'],
    ['euc-kr', '견적서', 'b0dfc0fbbcad'],
    ['cp949', '견적서', 'b0dfc0fbbcad'],
    ['utf-7', 'Größe + 1', '47722b4150594133772d65202b2d2031'],
    ['utf-16le', 'Größe', '47007200f600df006500'],
    ['cp437', 'Größe', '477294e165'],
    ['cp850', 'Größe', '477294e165'],
    ['ibm852', 'Żółć', 'bda28886'],
    ['koi8-r', 'Оферта', 'efc6c5d2d4c1'],
    ['windows-1251', 'Оферта', 'cef4e5f0f2e0'],
    ['macintosh', 'Größe', '47729aa765'],
    ['iso-8859-15', '10 €', '313020a4'],
  ])('reads %s in bodies and headers', (charset, text, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(bundled.decodeText(bytes, charset)).toBe(text);
    expect(bundled.decodeWords(`Re: =?${charset}?B?${bytes.toString('base64')}?=`)).toBe(`Re: ${text}`);
  });

  it('never fails at what no one knows', () => {
    expect(bundled.decodeText(Buffer.from('plain'), 'no-such-set')).toBe('plain');
    expect(bundled.decodeWords('=?no-such-set?Q?plain?=')).toBe('plain');
  });

  it.each([
    '<p style="color:red;background:url(x)">Dear <b>Anna</b></p><script>alert(1)</script><img src="https://client.example/a.png">',
    '<ul><li>one</li><li><a href="https://client.example/?a=1&amp;b=&euro;">two &amp; three</a></li></ul><hr>&nbsp;&#8364;',
    '<a href="javascript&colon;alert(1)">x</a><table><tr><td>1</td><td>2</td></tr></table>',
  ])('makes HTML safe and plain as the packages themselves do: %s', (html) => {
    expect(bundled.makeHtmlSafe(html)).toBe(makeHtmlSafe(html));
    expect(bundled.toPlainText(html)).toBe(toPlainText(html));
  });

  it('names mailboxes as the packages themselves do', async () => {
    const real = moduleSchema
      .pick({ encodePath: true, decodePath: true })
      .parse(await load(`${projectRoot}node_modules/imapflow/dist/esm/tools.js`));
    const connection = { enabled: new Set<string>(), capabilities: new Map<string, true>() };
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (path) => {
        const encoded = bundled.encodePath(connection, path);
        expect(encoded).toBe(real.encodePath(connection, path));
        expect(bundled.decodePath(connection, encoded)).toBe(real.decodePath(connection, encoded));
      }),
    );
    expect(bundled.encodePath(connection, 'Entwürfe & Ablage')).toBe('Entw&APw-rfe &- Ablage');
  });
});
