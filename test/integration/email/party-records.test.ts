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

describe('a party that is given with its records, in the form in which emails show them', () => {
  it('has the address of the first that has one, and needs a record or an address', async () => {
    const carl = await organization.contact('carl', 'carl@client.example');
    await call('PUT', '/records/contact/ext:silent', { displayName: 'Silent' });
    const silent = { type: 'contact', id: 'ext:silent' };
    const create = (party: object) => call('POST', '/emails', { from: { owner: 'ext:anna' }, to: [party] });

    expect((await create({ records: [silent, { type: 'contact', id: carl }] })).body.to).toMatchObject([
      { address: 'carl@client.example', name: 'Silent', records: [{ externalId: 'silent' }, { id: carl }] },
    ]);
    expect((await create({ records: [silent] })).body.errors).toMatchObject([
      { pointer: '#/to/0/records/0', code: 'noAddress' },
    ]);
    expect((await create({ records: [] })).body.errors).toMatchObject([{ pointer: '#/to/0', code: 'required' }]);
    expect((await create({ record: silent, records: [silent] })).body.errors).toMatchObject([
      { pointer: '#/to/0/records' },
    ]);
  });

  it('can have them changed after the email is sent, to several or to none', async () => {
    const carl = await organization.contact('carl', 'carl@client.example');
    const carla = await organization.contact('carla', 'carla@client.example');
    const draft = await organization.draft({ to: [{ address: 'carl@client.example' }], subject: 'Our offer' });
    await call('POST', `/emails/${draft.id}/send`);
    const name = (records: readonly object[]) =>
      call('PATCH', `/emails/${draft.id}`, { to: [{ address: 'carl@client.example', records }] });

    const two = await name([
      { type: 'contact', id: carl },
      { type: 'contact', id: 'ext:carla' },
      { type: 'contact', id: 'ext:carl' },
    ]);
    const unknown = await name([
      { type: 'contact', id: carl },
      { type: 'contact', id: 'ext:nobody' },
    ]);
    const none = await name([]);

    expect(two).toMatchObject({
      status: 200,
      body: { status: 'pendingSend', to: [{ records: [{ id: carl }, { id: carla }] }] },
    });
    expect(unknown).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '#/to/0/records/1/id', code: 'notFound' }] },
    });
    expect(none).toMatchObject({ status: 200, body: { to: [{ address: 'carl@client.example', records: [] }] } });
  });
});
