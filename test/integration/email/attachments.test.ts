import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../api-harness.ts';
import { type EmailApi, type EmailOrganization, startEmailApi } from './email-api.ts';

let emails: EmailApi;
let organization: EmailOrganization;
let call: EmailOrganization['call'];
let draftId: string;

beforeAll(async () => {
  emails = await startEmailApi();
});

afterAll(async () => {
  await emails?.api.stop();
});

beforeEach(async () => {
  organization = await emails.createOrganization();
  call = organization.call;
  await organization.contact('carl', 'carl@client.example');
  draftId = (await organization.draft({ to: [{ record: { type: 'contact', id: 'ext:carl' } }] })).id;
});

const add = (fields: object): Promise<Answer> =>
  call('POST', `/emails/${draftId}/attachments`, { fileName: 'plan.pdf', contentType: 'application/pdf', ...fields });

const base64 = (content: Buffer): string => content.toString('base64');

/** Whether the bucket took the bytes. */
const upload = async ({ body }: Answer, content: Buffer): Promise<boolean> => {
  const { method, url, headers } = body.upload;
  return (await fetch(url, { method, headers, body: content })).ok;
};

const download = async (id: string) => {
  const { status, headers } = await call('GET', `/emails/${draftId}/attachments/${id}/content`);
  expect(status).toBe(302);
  const answer = await fetch(headers['location'] ?? '');
  return {
    type: answer.headers.get('content-type'),
    disposition: answer.headers.get('content-disposition'),
    content: Buffer.from(await answer.arrayBuffer()),
  };
};

const refusal = ({ status, body }: Answer) => ({ status, code: body.code });

describe('an attachment', () => {
  it('is added with its bytes, listed, downloaded as it is, and taken off again', async () => {
    const content = Buffer.from([0, 13, 10, 255, 46, 10]);

    const added = await add({ fileName: 'Plan für uns.pdf', contentBase64: base64(content), contentId: 'plan@hub' });

    const path = `/emails/${draftId}/attachments/${added.body.id}`;
    expect(added).toMatchObject({ status: 201, headers: { location: `/v1${path}` } });
    expect(added.body).toEqual({
      id: added.body.id,
      fileName: 'Plan für uns.pdf',
      contentType: 'application/pdf',
      sizeBytes: 6,
      contentId: 'plan@hub',
      state: 'ready',
    });
    expect((await call('GET', `/emails/${draftId}/attachments`)).body).toEqual({
      data: [added.body],
      nextCursor: null,
    });
    expect((await call('GET', path)).body).toEqual(added.body);
    expect((await call('GET', `/emails/${draftId}`)).body).toMatchObject({ version: 2, attachments: [added.body] });
    expect(await download(added.body.id)).toEqual({
      type: 'application/pdf',
      disposition: "attachment; filename*=UTF-8''Plan%20f%C3%BCr%20uns.pdf",
      content,
    });
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('GET', path)).status).toBe(404);
    expect((await call('GET', `/emails/${draftId}`)).body.attachments).toEqual([]);
  });

  it('that is large is uploaded past the API, and the email can be sent once it is there', async () => {
    const content = Buffer.alloc(4_500_000, 7);
    const added = await add({ sizeBytes: content.length });

    const early = await call('POST', `/emails/${draftId}/send`);
    const earlyDownload = await call('GET', `/emails/${draftId}/attachments/${added.body.id}/content`);
    const shorter = await upload(added, content.subarray(1));
    const incomplete = await call('POST', `/emails/${draftId}/send`);
    const whole = await upload(added, content);
    const ready = await call('GET', `/emails/${draftId}`);
    const sent = await call('POST', `/emails/${draftId}/send`);

    expect(added.body).toMatchObject({ state: 'awaitingUpload', upload: { method: 'PUT' } });
    expect(Date.parse(added.body.upload.expiresAt)).toBeGreaterThan(Date.now());
    expect([shorter, whole]).toEqual([false, true]);
    for (const answer of [early, earlyDownload, incomplete])
      expect(refusal(answer)).toEqual({ status: 409, code: 'attachmentNotReady' });
    expect(ready.body.attachments).toMatchObject([{ state: 'ready' }]);
    expect(sent).toMatchObject({ status: 202, body: { attachments: [{ state: 'ready' }] } });
    expect((await download(added.body.id)).content.equals(content)).toBe(true);
  });

  it('is added once for each Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'a-1' };
    const request = { fileName: 'a.txt', contentType: 'text/plain', contentBase64: base64(Buffer.from('a')) };

    const first = await call('POST', `/emails/${draftId}/attachments`, request, key);
    const again = await call('POST', `/emails/${draftId}/attachments`, request, key);

    expect(again.body).toEqual(first.body);
    expect((await call('GET', `/emails/${draftId}`)).body.attachments).toHaveLength(1);
  });

  it.each([
    ['an executable', { fileName: 'offer.pdf.EXE. ', sizeBytes: 1 }, 400, 'attachmentBlocked'],
    ['more bytes than allowed', { sizeBytes: 5_242_881 }, 413, 'attachmentTooLarge'],
    ['bytes that are not base64', { contentBase64: '***' }, 400, 'invalidRequest'],
    ['neither bytes nor a size', {}, 400, 'invalidRequest'],
    ['both bytes and a size', { contentBase64: 'YQ==', sizeBytes: 1 }, 400, 'invalidRequest'],
    ['a path as name', { fileName: '../plan.pdf', sizeBytes: 1 }, 400, 'invalidRequest'],
    ['a name of two lines', { fileName: 'plan.pdf\r\nX-Evil: 1', sizeBytes: 1 }, 400, 'invalidRequest'],
    ['a type of two lines', { contentType: 'application/pdf\r\n;x=1', sizeBytes: 1 }, 400, 'invalidRequest'],
    [
      'a type with other letters than ASCII',
      { contentType: 'text/plain; name="日.txt"', sizeBytes: 1 },
      400,
      'invalidRequest',
    ],
    ['a type that would hold others', { contentType: 'multipart/mixed', sizeBytes: 1 }, 400, 'invalidRequest'],
    ['a Content-ID with brackets', { contentId: '<a@b>', sizeBytes: 1 }, 400, 'invalidRequest'],
  ])('is refused with %s', async (_, fields, status, code) => {
    expect(refusal(await add(fields))).toEqual({ status, code });
    expect((await call('GET', `/emails/${draftId}`)).body).toMatchObject({ version: 1, attachments: [] });
  });

  it('is refused in a request that is larger than requests may be', async () => {
    expect(refusal(await add({ contentBase64: base64(Buffer.alloc(3_300_000)) }))).toEqual({
      status: 413,
      code: 'requestTooLarge',
    });
  });

  it('belongs to drafts only, and to its own email', async () => {
    const { body } = await add({ contentBase64: 'YQ==' });
    const other = await organization.draft();
    const elsewhere = await call('GET', `/emails/${other.id}/attachments/${body.id}`);
    await call('POST', `/emails/${draftId}/send`);

    expect(elsewhere.status).toBe(404);
    expect(refusal(await add({ contentBase64: 'YQ==' }))).toEqual({ status: 409, code: 'invalidState' });
    expect(refusal(await call('DELETE', `/emails/${draftId}/attachments/${body.id}`))).toEqual({
      status: 409,
      code: 'invalidState',
    });
  });

  it('makes no message larger than any server takes', async () => {
    await organization.as('admin')('PATCH', '/settings', { attachments: { maxBytes: 33_554_432 } });
    const content = Buffer.alloc(20_000_000);
    for (const fileName of ['one.bin', 'two.bin'])
      await upload(
        await add({ fileName, contentType: 'application/octet-stream', sizeBytes: content.length }),
        content,
      );

    expect(refusal(await call('POST', `/emails/${draftId}/send`))).toEqual({ status: 413, code: 'messageTooLarge' });
  });
});
