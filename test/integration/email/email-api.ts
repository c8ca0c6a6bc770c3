import { enableStoredMailbox, storeServerProfile } from '../../support/synchronized-mailbox.ts';
import type { Answer } from '../api-harness.ts';
import { type ApiCall, startTestApi, type TestApi, type TestOrganization } from '../role-calls.ts';

/** An organization with a user whose outgoing mail is enabled; no lane runs, so what is accepted stays pending. */
export interface EmailOrganization extends TestOrganization {
  readonly call: ApiCall;
  readonly sender: { readonly id: string; readonly mailboxId: string };
  /** A contact with this address; returns its id. */
  readonly contact: (externalId: string, address: string | null) => Promise<string>;
  readonly draft: (fields?: object) => Promise<Answer['body']>;
}

export interface EmailApi {
  readonly api: TestApi;
  readonly createOrganization: () => Promise<EmailOrganization>;
}

const server = { host: '127.0.0.1', port: 1, security: 'tls' } as const;

export const startEmailApi = async (): Promise<EmailApi> => {
  const api = await startTestApi();
  const { services } = api;
  return {
    api,
    createOrganization: async () => {
      const organization = await api.createOrganization();
      const call = organization.as('crm');
      const mail = { imap: server, submission: server, caCertificate: '' };
      const profile = await storeServerProfile(services, organization.id, mail, { caCertificates: null });
      const anna = await call('PUT', '/users/ext:anna', { fullName: 'Anna', emailAddress: 'anna@contoso.example' });
      await enableStoredMailbox(services, organization.id, anna.body.mailboxId, {
        serverProfileId: profile.id,
        mailUser: { address: 'anna@contoso.example', username: 'anna', password: 'secret' },
        workloads: ['outgoing'],
      });
      return {
        ...organization,
        call,
        sender: { id: anna.body.id, mailboxId: anna.body.mailboxId },
        contact: async (externalId, address) => {
          const emails = address === null ? [] : [{ address }];
          const { body } = await call('PUT', `/records/contact/ext:${externalId}`, { displayName: externalId, emails });
          return body.id;
        },
        draft: async (fields = {}) => {
          const { status, body } = await call('POST', '/emails', { from: { owner: 'ext:anna' }, ...fields });
          if (status !== 201) throw new Error(`The draft was answered ${status}: ${JSON.stringify(body)}`);
          return body;
        },
      };
    },
  };
};
