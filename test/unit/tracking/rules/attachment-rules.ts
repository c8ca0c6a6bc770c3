import { expect } from 'vitest';
import type { Rule } from './rule.ts';

const withFiles = (files: readonly { readonly name: string; readonly bytes: number; readonly more?: string }[]) => ({
  fields: { 'Content-Type': 'multipart/mixed; boundary=b' },
  body: [
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'See below',
    ...files.flatMap(({ name, bytes, more = '' }) => [
      '--b',
      `Content-Type: application/octet-stream; name="${name}"${more}`,
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.alloc(bytes, 1).toString('base64'),
    ]),
    '--b--',
    '',
  ].join('\r\n'),
});

export const attachmentRules: readonly Rule[] = [
  {
    rule: 'A file that is larger than the organization allows stays in the raw message; the email and its decision say so.',
    settings: ['attachments.maxBytes'],
    shows: async (world) => {
      world.change({ attachments: { maxBytes: 1_000 } });
      const anna = await world.user('anna');
      const files = [
        { name: 'small.pdf', bytes: 1_000 },
        { name: 'large.pdf', bytes: 1_001 },
      ];
      const { email, step } = await world.receive(anna, withFiles(files));
      expect(email?.attachments.map(({ fileName }) => fileName)).toEqual(['small.pdf']);
      expect(email?.attachmentsLeftOut).toEqual([
        { fileName: 'large.pdf', sizeBytes: 1_001, code: 'attachmentTooLarge' },
      ]);
      expect(step('size')).toContain('large.pdf');
    },
  },
  {
    rule: 'A file whose extension the organization blocks stays in the raw message, whatever its case.',
    settings: ['attachments.blockedExtensions'],
    shows: async (world) => {
      const anna = await world.user('anna');
      const given = withFiles([{ name: 'Setup.EXE', bytes: 10 }]);
      const { email } = await world.receive(anna, given);
      expect(email?.attachmentsLeftOut).toMatchObject([{ fileName: 'Setup.EXE', code: 'attachmentBlocked' }]);
      world.change({ attachments: { blockedExtensions: [] } });
      expect((await world.receive(anna, given)).email?.attachments).toMatchObject([{ fileName: 'Setup.EXE' }]);
    },
  },
  {
    rule: 'Images within the text are attachments like others, and keep the identifier that the text names them by.',
    shows: async (world) => {
      const anna = await world.user('anna');
      const more = '\r\nContent-ID: <logo@client.example>\r\nContent-Disposition: inline';
      const { email } = await world.receive(anna, withFiles([{ name: 'logo.png', bytes: 10, more }]));
      expect(email?.attachments).toMatchObject([{ fileName: 'logo.png', contentId: 'logo@client.example' }]);
    },
  },
  {
    rule: 'Of very many files the first hundred are kept apart; the others stay in the raw message.',
    shows: async (world) => {
      const anna = await world.user('anna');
      const files = Array.from({ length: 130 }, (_, index) => ({ name: `${index}.txt`, bytes: 3 }));
      const { email } = await world.receive(anna, withFiles(files));
      expect(email?.attachments).toHaveLength(100);
      expect(email?.attachmentsLeftOut).toHaveLength(20);
      expect(email?.attachmentsLeftOut?.[0]).toMatchObject({ fileName: '100.txt', code: 'tooManyAttachments' });
    },
  },
];
