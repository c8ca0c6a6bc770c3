import type { LocalEnvironment } from './environment.ts';
import { createHubClient, type FeedEvent, type HubClient, type Operation } from './hub-client.ts';
import { clientDomain, companyDomain, type MailEndpoint } from './mail-environment.ts';
import { findMailUser, submitMessage, waitForMessage } from './mailbox-client.ts';

type Identified = { readonly id: string };
type RecordReference = { readonly type: string; readonly id: string; readonly externalId?: string | null };

type Email = Identified & {
  readonly status: string;
  readonly subject: string;
  readonly messageId: string | null;
  readonly to: readonly { readonly address: string; readonly result?: string }[];
  readonly from: { readonly address: string; readonly records: readonly RecordReference[] };
  readonly correlation: { readonly method: string; readonly emailId?: string };
  readonly regarding?: RecordReference;
  readonly acceptedBy?: RecordReference;
};

type Decision = {
  readonly steps: readonly { readonly step: string; readonly result: string; readonly detail?: string }[];
};

type WorkloadTest = {
  readonly status: string;
  readonly fault?: { readonly code: string };
  readonly steps: readonly { readonly name: string; readonly status: string; readonly seconds: number }[];
};

const expectThat = (holds: boolean, expected: string, found: unknown): void => {
  if (!holds) throw new Error(`Expected ${expected}, found ${JSON.stringify(found)}`);
};

/** Shows the steps with the seconds that each took. */
const createNarrator = (show: (line: string) => void) => {
  let number = 0;
  return async <Result>(
    what: string,
    run: () => Promise<Result>,
    tell?: (result: Result) => string | readonly string[],
  ) => {
    number += 1;
    const begun = performance.now();
    const seconds = (): string => `${((performance.now() - begun) / 1000).toFixed(2).padStart(6)} s`;
    const label = `${String(number).padStart(2)}. ${what}`;
    try {
      const result = await run();
      show(`${seconds()}  ${label}`);
      for (const line of tell === undefined ? [] : [tell(result)].flat()) show(`${' '.repeat(14)}${line}`);
      return result;
    } catch (error) {
      show(`${seconds()}  ${label}: FAILED`);
      throw error;
    }
  };
};

const server = ({ host, port, security }: MailEndpoint, protocol: string) => ({ protocol, host, port, security });

const describeTest = (operation: Operation): readonly string[] => {
  const workloads = (operation.result?.['workloads'] ?? {}) as Readonly<Record<string, WorkloadTest>>;
  return Object.entries(workloads).map(([workload, { status, steps, fault }]) => {
    const done = steps.map((step) => `${step.name} ${step.status} ${step.seconds} s`).join(', ');
    return `${workload}: ${status}${fault === undefined ? '' : ` (${fault.code})`}; ${done}`;
  });
};

const requireSuccess = async (hub: HubClient, operation: Identified): Promise<Operation> => {
  const ended = await hub.waitForOperation(operation.id);
  expectThat(ended.status === 'succeeded', `operation ${ended.kind} to succeed`, ended);
  return ended;
};

const describeEvents = (events: readonly FeedEvent[]): string =>
  events.map(({ type, sequence }) => `${type} (${sequence})`).join(', ');

export interface PlayedExample {
  /** A new link that opens the console as Anna, once and within a minute. */
  readonly createSignInUrl: () => Promise<string>;
}

/**
 * Plays the main job once through the hub's public API, in a new organization: Anna of Contoso sends an offer, her
 * client Carl receives it and answers from his own mail program, and the answer is tracked with the offer's regarding.
 * @throws Error at the first step whose outcome is not the promised one.
 */
export const runWorkedExample = async (
  environment: LocalEnvironment,
  show: (line: string) => void,
): Promise<PlayedExample> => {
  const step = createNarrator(show);
  const { mail, hubUrl } = environment;
  const anna = findMailUser(mail, `anna@${companyDomain}`);
  const carl = findMailUser(mail, `carl@${clientDomain}`);
  const operator = createHubClient(hubUrl, environment.operatorKey);

  const organization = await step('The operator creates the organization Contoso', () =>
    operator.post<Identified>('/organizations', { name: 'Contoso' }),
  );
  const hub = await step('and a first key for its administrator', async () => {
    const path = `/organizations/${organization.id}/api-keys`;
    const { secret } = await operator.post<{ readonly secret: string }>(path, { name: 'setup', role: 'admin' });
    return operator.withKey(secret);
  });
  const profile = await step('The administrator describes the mail servers', () =>
    hub.post<Identified>('/server-profiles', {
      name: 'Dovecot',
      kind: 'imapSmtp',
      incoming: server(mail.imap, 'imap'),
      outgoing: server(mail.submission, 'smtp'),
      credentials: { source: 'mailbox', authentication: 'password' },
      caCertificates: mail.caCertificate,
      maxConnections: 10,
    }),
  );
  const { mailboxId } = await step('The CRM pushes its user Anna, who tracks responses', () =>
    hub.put<{ readonly mailboxId: string }>('/users/ext:u-17', {
      fullName: 'Anna',
      emailAddress: anna.address,
      filtering: 'responses',
    }),
  );
  await step("Anna's mailbox gets its server and password, and is approved", async () => {
    await hub.patch(`/mailboxes/${mailboxId}`, {
      serverProfileId: profile.id,
      credentials: { username: anna.username, password: anna.password },
      workloads: { incoming: { method: 'serverSideSync' }, outgoing: { method: 'serverSideSync' } },
    });
    await hub.post(`/mailboxes/${mailboxId}/approve`);
  });
  await step(
    'Test and enable',
    async () => {
      const ended = await requireSuccess(hub, await hub.post(`/mailboxes/${mailboxId}/test-and-enable`, {}));
      const workloads = (ended.result?.['workloads'] ?? {}) as Readonly<Record<string, WorkloadTest>>;
      for (const workload of ['incoming', 'outgoing']) {
        expectThat(workloads[workload]?.status === 'success', `${workload} to be tested with success`, ended.result);
      }
      return ended;
    },
    describeTest,
  );
  await step('The CRM pushes the contact Carl and the opportunity "500 chairs"', async () => {
    await hub.put('/records/contact/ext:c-9', {
      displayName: 'Carl Client',
      emails: [{ address: carl.address, primary: true }],
      ownerId: 'ext:u-17',
    });
    await hub.put('/record-types/opportunity', { displayName: 'Opportunity' });
    await hub.put('/records/opportunity/ext:o-3', { displayName: '500 chairs' });
  });
  const head = await step('and reads where the change feed stands', () =>
    hub.get<{ readonly cursor: string }>('/feed/head'),
  );

  const draft = await step('It drafts an email to Carl about the opportunity', () =>
    hub.post<Identified>(
      '/emails',
      {
        externalId: 'e-1',
        from: { owner: 'ext:u-17' },
        to: [{ record: { type: 'contact', id: 'ext:c-9' } }],
        subject: 'Our offer',
        body: { text: 'Dear Carl, 500 chairs for 20,000. Yours, Anna' },
        regarding: { type: 'opportunity', id: 'ext:o-3' },
      },
      { 'idempotency-key': 'o-3-offer-1' },
    ),
  );
  await step('and posts the Send request', async () => {
    const accepted = await hub.post<Email>(`/emails/${draft.id}/send`, {});
    expectThat(accepted.status === 'pendingSend', 'status pendingSend', accepted.status);
  });
  const sent = await step(
    'The feed tells that it was sent',
    async () => {
      const followed = await hub.followFeed({
        cursor: head.cursor,
        types: 'email.*',
        until: (events) =>
          events.some(({ type }) => ['email.sent', 'email.failed', 'email.unconfirmed'].includes(type)),
        what: 'email.sent',
      });
      const types = followed.events.map(({ type }) => type);
      const promised = ['email.draftCreated', 'email.pendingSend', 'email.sending', 'email.sent'];
      expectThat(JSON.stringify(types) === JSON.stringify(promised), promised.join(', '), followed.events);
      return followed;
    },
    ({ events }) => describeEvents(events),
  );
  const offer = await step(
    'and the email itself as well',
    async () => {
      const email = await hub.get<Email>('/emails/ext:e-1');
      expectThat(email.status === 'sent' && email.to[0]?.result === 'accepted', 'sent, accepted for Carl', email);
      if (email.messageId === null) throw new Error('The sent email has no Message-ID.');
      return { ...email, messageId: email.messageId };
    },
    (email) => `${email.status} ${email.messageId}`,
  );
  const received = await step(
    'Carl finds it in his Inbox',
    () => waitForMessage(mail, carl, offer.messageId),
    ({ subject }) => `"${subject}"`,
  );
  await step("and answers; the answer reaches Anna's Inbox", async () => {
    const info = await submitMessage(mail, carl, {
      from: { name: 'Carl Client', address: carl.address },
      to: anna.address,
      subject: `Re: ${received.subject ?? ''}`,
      inReplyTo: offer.messageId,
      references: offer.messageId,
      text: 'Dear Anna, agreed. Carl',
    });
    await waitForMessage(mail, anna, info.messageId);
  });
  await step('The CRM asks for a cycle at once instead of waiting for the timer', async () =>
    requireSuccess(hub, await hub.post(`/mailboxes/${mailboxId}/sync`, { workloads: ['incoming'] })),
  );
  await step(
    'The feed tells that the answer was tracked, regarding the opportunity',
    async () => {
      const { events } = await hub.followFeed<Email>({
        cursor: sent.cursor,
        types: 'email.tracked',
        until: (tracked) => tracked.length > 0,
        what: 'email.tracked',
      });
      const email = events[0]?.data;
      const isRight =
        events.length === 1 &&
        email?.correlation.method === 'inReplyTo' &&
        email.correlation.emailId === offer.id &&
        email.regarding?.externalId === 'o-3' &&
        email.from.records.some(({ externalId }) => externalId === 'c-9') &&
        email.acceptedBy?.externalId === 'u-17';
      expectThat(isRight, 'one answer, correlated by In-Reply-To, from Carl, regarding o-3, accepted by Anna', events);
      return email;
    },
    (email) =>
      `"${email?.subject}" from ${email?.from.address}, ${email?.correlation.method}, regarding ${email?.regarding?.externalId}`,
  );
  await step(
    'The decision tells why',
    async () => {
      const path = `/decisions?mailboxId=${mailboxId}&outcome=tracked`;
      const { data } = await hub.get<{ readonly data: readonly Decision[] }>(path);
      const steps = data[0]?.steps ?? [];
      expectThat(
        steps.some(({ step: name, result }) => name === 'filtering' && result === 'pass'),
        'filtering pass',
        data,
      );
      return steps;
    },
    (steps) => steps.map(({ step: name, result, detail }) => `${name} ${result}${detail ? `: ${detail}` : ''}`),
  );
  return {
    createSignInUrl: async () =>
      (await hub.post<{ readonly signInUrl: string }>('/sessions', { userId: 'ext:u-17' })).signInUrl,
  };
};
