import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { FeedEvent, HubClient } from '../support/hub-client.ts';
import { findMailUser, listMessages, readMessage, waitForMessage } from '../support/mailbox-client.ts';
import { createOrganization, createServerProfile, enableMailbox } from '../support/organization-setup.ts';

type Party = { readonly address: string; readonly result?: string; readonly code?: string };
type Email = {
  readonly id: string;
  readonly status: string;
  readonly messageId: string;
  readonly to: readonly Party[];
  readonly cc: readonly Party[];
  readonly bcc: readonly Party[];
  readonly delivery: { readonly fault?: { readonly code: string; readonly fix: string } };
};

const cloud = inject('localCloud');
const accepted = ['user23@example.test', 'user24@example.test', 'user25@example.test'] as const;
const refused = 'nobody-here@example.test';

let hub: HubClient;

beforeAll(async () => {
  ({ hub } = await createOrganization(cloud));
  await hub.patch('/settings', { outgoing: { allowUnresolvedRecipients: true } });
  const serverProfileId = await createServerProfile(hub, cloud.mail);
  const mailUser = findMailUser(cloud.mail, 'user22@example.test');
  await enableMailbox(hub, { serverProfileId, mailUser, externalId: 'sender', filtering: 'none' });
});

/** Sends to these recipients and waits for the end of it. */
const send = async (fields: Readonly<Record<string, unknown>>): Promise<{ email: Email; last: FeedEvent<Email> }> => {
  const { cursor } = await hub.get<{ readonly cursor: string }>('/feed/head');
  const { id } = await hub.post<Email>('/emails', {
    from: { owner: 'ext:sender' },
    subject: 'To several',
    body: { text: 'Hello' },
    send: true,
    ...fields,
  });
  const { events } = await hub.followFeed<Email>({
    cursor,
    types: 'email.sent,email.failed,email.unconfirmed',
    until: (found) => found.length > 0,
    what: 'the end of the Send',
  });
  const [last] = events;
  if (last === undefined) throw new Error('The feed told nothing');
  return { email: await hub.get<Email>(`/emails/${id}`), last };
};

const copiesOf = async (address: string, messageId: string): Promise<number> =>
  (await listMessages(cloud.mail, findMailUser(cloud.mail, address))).filter((one) => one.messageId === messageId)
    .length;

describe('a Send to several recipients', () => {
  it('of whom one is refused reaches the others, once each, and says who was refused', async () => {
    const [to, cc, bcc] = accepted;

    const { email, last } = await send({
      to: [{ address: to }, { address: refused }],
      cc: [{ address: cc }],
      bcc: [{ address: bcc }],
    });

    expect(email).toMatchObject({
      status: 'sent',
      to: [
        { address: to, result: 'accepted' },
        { address: refused, result: 'rejected', code: 'recipientRejected' },
      ],
      cc: [{ address: cc, result: 'accepted' }],
      bcc: [{ address: bcc, result: 'accepted' }],
    });
    expect(last).toMatchObject({ type: 'email.sent', subject: { id: email.id }, data: { to: email.to } });
    for (const address of accepted) {
      const { uid } = await waitForMessage(cloud.mail, findMailUser(cloud.mail, address), email.messageId);
      expect(await copiesOf(address, email.messageId)).toBe(1);
      const raw = (await readMessage(cloud.mail, findMailUser(cloud.mail, address), uid)).toString('latin1');
      // What every recipient may see names no blind one.
      expect(raw.slice(raw.indexOf('Message-ID:')).toLowerCase()).not.toMatch(/^bcc:/m);
      if (address !== bcc) expect(raw).not.toContain(bcc);
    }
  });

  it('who are all refused has failed at once and is not tried again', async () => {
    const { email, last } = await send({ to: [{ address: refused }, { address: 'nor-here@example.test' }] });

    expect(last.type).toBe('email.failed');
    expect(email).toMatchObject({
      status: 'failed',
      to: [
        { address: refused, result: 'rejected', code: 'recipientRejected' },
        { address: 'nor-here@example.test', result: 'rejected', code: 'recipientRejected' },
      ],
      delivery: { attempts: 1, nextAttemptAt: null, fault: { code: 'recipientRejected', fix: expect.any(String) } },
    });
  });
});
