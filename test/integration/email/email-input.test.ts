import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EmailApi, type EmailOrganization, startEmailApi } from './email-api.ts';

let emails: EmailApi;
let organization: EmailOrganization;
let call: EmailOrganization['call'];

beforeAll(async () => {
  emails = await startEmailApi();
});

afterAll(async () => {
  await emails?.api.stop();
});

beforeEach(async () => {
  organization = await emails.createOrganization();
  call = organization.call;
});

describe('what may not stand in an email', () => {
  it.each([
    ['a subject of two lines', { subject: 'Hello\r\nBcc: eve@x.example' }, '#/subject'],
    ['a name of two lines', { to: [{ address: 'a@x.example', name: 'A\nBcc: eve@x.example' }] }, '#/to/0/name'],
    ['an address of two lines', { to: [{ address: 'a@x.example\r\nX: y' }] }, '#/to/0/address'],
    ['a header of two lines', { headers: { 'X-A': '1\r\nBcc: eve@x.example' } }, '#/headers/X-A'],
    ['a header of another kind', { headers: { Bcc: 'eve@x.example' } }, '#/headers/Bcc'],
    ['a header name of two lines', { headers: { 'X-A: 1\r\nBcc': 'eve@x.example' } }, '#/headers/X-A: 1\r\nBcc'],
    ['an unknown field', { messageId: '<x@y>' }, '#/messageId'],
    ['a party that is nobody', { to: [{}] }, '#/to/0'],
    ['a record that there is not', { to: [{ record: { type: 'contact', id: 'ext:nobody' } }] }, '#/to/0/record/id'],
    ['an email that there is not', { inReplyTo: 'ext:nothing' }, '#/inReplyTo'],
    ['an owner that there is not', { ownerId: 'ext:nobody' }, '#/ownerId'],
    ['a regarding that there is not', { regarding: { type: 'lead', id: 'ext:l' } }, '#/regarding/id'],
  ])('%s', async (_, fields, pointer) => {
    const { status, body } = await call('POST', '/emails', { from: { owner: 'ext:anna' }, ...fields });

    expect({
      status,
      code: body.code,
      pointers: body.errors?.map((error: { pointer: string }) => error.pointer),
    }).toEqual({ status: 400, code: 'invalidRequest', pointers: [pointer] });
  });

  it('a record without address as recipient', async () => {
    await organization.contact('mute', null);

    const { status, body } = await call('POST', '/emails', {
      from: { owner: 'ext:anna' },
      to: [{ record: { type: 'contact', id: 'ext:mute' } }],
    });

    expect({ status, error: body.errors[0].code }).toEqual({ status: 400, error: 'noAddress' });
  });

  it('an externalId that another email has', async () => {
    await organization.draft({ externalId: 'e-1' });

    const created = await call('POST', '/emails', { from: { owner: 'ext:anna' }, externalId: 'e-1' });
    const other = await organization.draft();
    const bound = await call('PATCH', `/emails/${other.id}`, { externalId: 'e-1' });

    for (const answer of [created, bound])
      expect(answer).toMatchObject({ status: 409, body: { code: 'externalIdTaken' } });
  });

  it('so much that it could not be stored', async () => {
    const many = Array.from({ length: 400 }, (_, index) => ({
      address: `${'a'.repeat(60)}${index}@${'b'.repeat(60)}.${'c'.repeat(60)}.example`,
      name: '名'.repeat(199),
    }));

    const { status, body } = await call('POST', '/emails', { from: { owner: 'ext:anna' }, to: many });

    expect({ status, code: body.code }).toEqual({ status: 413, code: 'messageTooLarge' });
  });
});
