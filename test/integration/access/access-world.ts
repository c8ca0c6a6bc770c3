import { routeGroups } from '../../../functions/api/routes/index.ts';
import { raiseAlert } from '../../../shared/alert/raise-alert.ts';
import { type DeadLetter, deadLetterKind } from '../../../shared/dead-letter/dead-letter.ts';
import type { FolderRule } from '../../../shared/folder-rule/folder-rule.ts';
import { type Mailbox, mailboxKind } from '../../../shared/mailbox/mailbox.ts';
import { createFault } from '../../../shared/platform/fault.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { type Decision, decisionKind } from '../../../shared/tracking/decision.ts';
import { type ApiHarness, type Client, startApiHarness } from '../api-harness.ts';

/** A user with a mailbox and something of each kind that is a user's own. */
export interface Person {
  readonly userId: string;
  readonly mailboxId: string;
  readonly emailId: string;
  readonly decisionId: string;
  readonly alertId: string;
  readonly operationId: string;
  readonly consumer: string;
  /** With a session of role user. */
  readonly session: Client;
  readonly token: string;
}

export interface Company {
  readonly id: string;
  readonly admin: Client;
  readonly crm: Client;
  readonly reader: Client;
  readonly crmKeyId: string;
  readonly serverProfileId: string;
  readonly createPerson: (name: string) => Promise<Person>;
}

export interface AccessWorld {
  readonly hub: ApiHarness;
  readonly createCompany: () => Promise<Company>;
  /** What only lanes make. */
  readonly plantDeadLetter: (organizationId: string, mailboxId: string) => Promise<string>;
  readonly plantFolderRule: (organizationId: string, mailboxId: string) => Promise<string>;
}

const decide = async (hub: ApiHarness, organizationId: string, mailboxId: string): Promise<string> => {
  const { store, now } = hub.services;
  const at = now().toISOString();
  const decision: Decision = {
    id: createIdentifier('dec', now().getTime()),
    version: 1,
    createdAt: at,
    updatedAt: at,
    mailboxId,
    folder: 'INBOX',
    messageId: '<private@client.example>',
    fromAddress: 'carl@client.example',
    subject: 'A private matter',
    receivedAt: at,
    decidedAt: at,
    outcome: 'skipped',
    code: 'filteredResponses',
    emailId: null,
    settingsVersion: 1,
    steps: [],
  };
  await store.create(decisionKind, organizationId, decision);
  return decision.id;
};

const alarm = async (hub: ApiHarness, company: Client, organizationId: string, mailboxId: string): Promise<string> => {
  const { store, now } = hub.services;
  await raiseAlert(store, {
    organizationId,
    level: 'error',
    scope: 'mailbox',
    fault: createFault('authenticationFailed'),
    subject: { type: 'mailbox', id: mailboxId },
    mailboxId,
    now: now(),
  });
  const { body } = await company('GET', `/v1/alerts?mailboxId=${mailboxId}`);
  return body.data[0].id;
};

const plantDeadLetter = async (hub: ApiHarness, organizationId: string, mailboxId: string): Promise<string> => {
  const { store, now } = hub.services;
  const at = now().toISOString();
  const letter: DeadLetter = {
    id: createIdentifier('ddl', now().getTime()),
    version: 1,
    createdAt: at,
    updatedAt: at,
    kind: 'email',
    mailboxId,
    fault: createFault('serverError'),
    attempts: 3,
    firstAt: at,
    lastAt: at,
    remote: { folder: 'INBOX', uidValidity: '1', uid: 1 },
    direction: 'incoming',
    receivedAt: at,
    decisionId: createIdentifier('dec', now().getTime()),
    sizeBytes: 10,
    rawKey: `${organizationId}/raw/none`,
    status: 'open',
    discardReason: null,
    keptUntil: at,
  };
  await store.create(deadLetterKind, organizationId, letter);
  return letter.id;
};

const plantFolderRule = async (hub: ApiHarness, organizationId: string, mailboxId: string): Promise<string> => {
  const { store, now } = hub.services;
  const at = now().toISOString();
  const rule: FolderRule = {
    id: createIdentifier('frl', now().getTime()),
    version: 1,
    createdAt: at,
    updatedAt: at,
    folderId: 'Projects',
    folderIdentity: null,
    regarding: null,
    reassert: false,
    status: 'active',
  };
  const add = (mailbox: Mailbox) => ({ next: { ...mailbox, folderRules: [rule] } });
  await store.update(mailboxKind, organizationId, mailboxId, add, { now });
  return rule.id;
};

/** The whole API with two kinds of people: those with keys, and those who are signed in. */
export const startAccessWorld = async (moreOf?: Parameters<typeof startApiHarness>[1]): Promise<AccessWorld> => {
  const hub = await startApiHarness(routeGroups, moreOf);

  const createCompany = async (): Promise<Company> => {
    const { id, admin } = await hub.organization({ kind: 'sandbox' });
    const keyOf = async (role: string) => (await admin('POST', '/v1/api-keys', { body: { name: role, role } })).body;
    const [crmKey, readerKey] = [await keyOf('crm'), await keyOf('reader')];
    const crm = hub.client(crmKey.secret);
    const profile = await admin('POST', '/v1/server-profiles', {
      body: {
        name: 'Servers',
        kind: 'imapSmtp',
        incoming: { protocol: 'imap', host: '127.0.0.1', port: 9, security: 'tls' },
        outgoing: { protocol: 'smtp', host: '127.0.0.1', port: 9, security: 'tls' },
        credentials: { source: 'mailbox', authentication: 'password' },
      },
    });
    const createPerson = async (name: string): Promise<Person> => {
      const { body: user } = await crm('PUT', `/v1/users/ext:${name}`, {
        body: { fullName: name, emailAddress: `${name}@contoso.example` },
      });
      const { body: email } = await crm('POST', '/v1/emails', {
        body: { from: { owner: user.id }, to: [{ address: 'carl@client.example' }], subject: `Of ${name}` },
      });
      const { body: signedIn } = await crm('POST', '/v1/sessions', { body: { userId: user.id } });
      await admin('PATCH', `/v1/mailboxes/${user.mailboxId}`, {
        body: {
          serverProfileId: profile.body.id,
          credentials: { username: name, password: 'secret of ours' },
          workloads: { incoming: { method: 'serverSideSync' } },
        },
      });
      await admin('POST', `/v1/mailboxes/${user.mailboxId}/approve`);
      const test = await crm('POST', `/v1/mailboxes/${user.mailboxId}/test-and-enable`, { body: {} });
      await crm('PUT', `/v1/consumers/of-${name}`, { body: { userId: user.id } });
      return {
        userId: user.id,
        mailboxId: user.mailboxId,
        emailId: email.id,
        decisionId: await decide(hub, id, user.mailboxId),
        alertId: await alarm(hub, admin, id, user.mailboxId),
        operationId: test.body.id,
        consumer: `of-${name}`,
        session: hub.client(signedIn.token),
        token: signedIn.token,
      };
    };
    return {
      id,
      admin,
      crm,
      reader: hub.client(readerKey.secret),
      crmKeyId: crmKey.id,
      serverProfileId: profile.body.id,
      createPerson,
    };
  };
  return {
    hub,
    createCompany,
    plantDeadLetter: (organizationId, mailboxId) => plantDeadLetter(hub, organizationId, mailboxId),
    plantFolderRule: (organizationId, mailboxId) => plantFolderRule(hub, organizationId, mailboxId),
  };
};
