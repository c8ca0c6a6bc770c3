import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { continueConversationIndex } from '../../../shared/email/conversation-index.ts';
import { type Email, emailKind } from '../../../shared/email/email.ts';
import { type Mailbox, mailboxKind } from '../../../shared/mailbox/mailbox.ts';
import { appendMessage } from '../../support/mailbox-client.ts';
import { compose } from './compose.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

let world: IncomingWorld;

beforeAll(async () => {
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

let users = 0;

/** A user who tracks responses only and may send, with an email that was accepted for sending. */
const startCorrespondence = async (settings: object = {}) => {
  users += 1;
  const mailUser = world.mailUser(users);
  const organization = await world.createOrganization();
  await organization.settings({ outgoing: { allowUnresolvedRecipients: true }, ...settings });
  const user = await organization.user(mailUser, { filtering: 'responses' });
  const maySend = (mailbox: Mailbox) => {
    const outgoing = { ...mailbox.workloads.outgoing, method: 'serverSideSync' as const, state: 'enabled' as const };
    return { next: { ...mailbox, workloads: { ...mailbox.workloads, outgoing } } };
  };
  await world.api.services.store.update(mailboxKind, organization.id, user.mailboxId, maySend, world.api.services);
  const send = async (fields: object = {}): Promise<Email> => {
    const { status, body } = await organization.call('POST', '/emails', {
      from: { owner: user.id },
      to: [{ address: 'carl@client.example' }],
      subject: 'Unser Angebot',
      body: { text: 'Guten Tag' },
      send: true,
      ...fields,
    });
    if (status !== 202) throw new Error(`The send answered ${status}: ${JSON.stringify(body)}`);
    const email = await world.api.services.store.get(emailKind, organization.id, body.id);
    if (email === undefined) throw new Error('The email is not there');
    return email;
  };
  return { organization, user, mailUser, send };
};

const receive = async (
  { organization, user, mailUser }: Awaited<ReturnType<typeof startCorrespondence>>,
  ...messages: readonly Readonly<Record<string, string>>[]
): Promise<readonly Email[]> => {
  for (const fields of messages)
    await appendMessage(world.servers.environment, mailUser, compose({ To: mailUser.address, ...fields }));
  await organization.synchronize(user.mailboxId);
  return received(organization);
};

const received = async (organization: IncomingOrganization): Promise<readonly Email[]> =>
  (await organization.emails()).filter(({ direction }) => direction === 'incoming');

describe('an answer to an email that the hub accepted', () => {
  it('is found by its Thread-Index where nothing else names the email, and so is the one after it', async () => {
    const correspondence = await startCorrespondence();
    const sent = await correspondence.send();
    const first = continueConversationIndex(String(sent.conversationIndex), 'first', new Date());
    const second = continueConversationIndex(first, 'second', new Date());

    const [answer] = await receive(correspondence, { 'Thread-Index': first, Subject: 'Neues Thema' });
    const emails = await receive(correspondence, { 'Thread-Index': second, From: 'colleague@client.example' });

    expect(answer?.correlation).toEqual({ method: 'conversationIndex', emailId: sent.id });
    expect(emails).toHaveLength(2);
    expect(emails.map(({ conversationId }) => conversationId)).toEqual([sent.conversationId, sent.conversationId]);
  });

  it('is found by its token after the prefix was changed', async () => {
    const correspondence = await startCorrespondence();
    const sent = await correspondence.send();
    await correspondence.organization.settings({ correlation: { token: { prefix: 'Ref-' } } });
    const later = await correspondence.send();

    const [answer] = await receive(correspondence, { Subject: `AW: Unser Angebot ${sent.token}` });

    expect(sent.token).toMatch(/^CRM:/);
    expect(later.token).toMatch(/^Ref-/);
    expect(answer?.correlation).toEqual({ method: 'token', emailId: sent.id });
  });

  it('is found by smart matching among others with the same subject, and by nothing while that is off', async () => {
    const settings = { correlation: { token: { enabled: false }, smartMatching: { enabled: true } } };
    const correspondence = await startCorrespondence(settings);
    const sent = await correspondence.send();
    await correspondence.send({ to: [{ address: 'dora@other.example' }] });
    const answer = { Subject: 'AW: unser  ANGEBOT', Date: new Date().toUTCString() };

    const found = await receive(correspondence, answer, { ...answer, From: 'stranger@else.example' });
    await correspondence.organization.settings({ correlation: { smartMatching: { enabled: false } } });
    const after = await receive(correspondence, answer);

    expect(found.map(({ correlation }) => correlation)).toEqual([{ method: 'smartMatching', emailId: sent.id }]);
    expect(after).toHaveLength(1);
  });

  it('is found no more once the email was deleted', async () => {
    const correspondence = await startCorrespondence({ correlation: { smartMatching: { enabled: true } } });
    const sent = await correspondence.send();
    await correspondence.organization.call('POST', `/emails/${sent.id}/cancel`);
    await correspondence.organization.call('DELETE', `/emails/${sent.id}`);

    const emails = await receive(correspondence, {
      Subject: `Re: Unser Angebot ${sent.token}`,
      'In-Reply-To': String(sent.messageId),
      'Thread-Index': continueConversationIndex(String(sent.conversationIndex), 'answer', new Date()),
    });

    expect(emails).toEqual([]);
  });
});
