import { Webhook as Verifier } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { HubClient } from '../support/hub-client.ts';
import { findMailUser, submitMessage, waitForMessage } from '../support/mailbox-client.ts';
import { createOrganization, createServerProfile, enableMailbox } from '../support/organization-setup.ts';
import { type Posted, startWebhookEndpoint, type WebhookEndpoint } from '../support/webhook-endpoint.ts';

const cloud = inject('localCloud');
const path = '/crm';

let endpoint: WebhookEndpoint;
let hub: HubClient;
let mailboxId: string;
let secret: string;

const sender = findMailUser(cloud.mail, 'user29@example.test');
const other = findMailUser(cloud.mail, 'user30@example.test');

beforeAll(async () => {
  // The deployment allows the loopback range, so that plain HTTP will do.
  endpoint = await startWebhookEndpoint();
  ({ hub } = await createOrganization(cloud));
  await hub.patch('/settings', { outgoing: { allowUnresolvedRecipients: true } });
  const serverProfileId = await createServerProfile(hub, cloud.mail);
  ({ mailboxId } = await enableMailbox(hub, { serverProfileId, mailUser: sender, externalId: 'sender' }));
  ({ secret } = await hub.post<{ readonly secret: string }>('/webhooks', {
    url: endpoint.url(path),
    types: ['email.sent', 'email.tracked'],
  }));
});

afterAll(async () => {
  await endpoint?.stop();
});

/** What was posted, each message once: one whose answer came late is posted again. */
const untilPosted = (count: number): Promise<readonly Posted[]> =>
  eventually(
    () => {
      const byId = new Map(endpoint.posted(path).map((one) => [one.headers['webhook-id'], one]));
      return byId.size >= count ? [...byId.values()] : undefined;
    },
    { what: `message ${count} at the endpoint`, seconds: 40 },
  );

describe('a CRM that is told by a webhook', () => {
  it('learns within seconds of what was sent and what was tracked, and can tell who says so', async () => {
    const { id } = await hub.post<{ readonly id: string }>('/emails', {
      from: { owner: 'ext:sender' },
      to: [{ address: other.address }],
      subject: 'Our offer',
      body: { text: 'Hello' },
      send: true,
    });
    await untilPosted(1);
    const answer = { from: other.address, to: sender.address, subject: 'Thank you', text: 'Yes.' };
    const { messageId } = await submitMessage(cloud.mail, other, answer);
    // Accepted is not delivered yet: a cycle right now might not see it, and the next is minutes away.
    await waitForMessage(cloud.mail, sender, messageId);
    await hub.post(`/mailboxes/${mailboxId}/sync`, { workloads: ['incoming'] });

    const posted = await untilPosted(2);

    const contents = posted.map(({ body, headers }) => {
      const content = new Verifier(secret).verify(body, headers as Record<string, string>);
      return content as { readonly type: string; readonly timestamp: string; readonly data: { readonly id: string } };
    });
    expect(contents).toMatchObject([
      { type: 'email.sent', data: { subject: { type: 'email', id }, origin: expect.any(String) } },
      { type: 'email.tracked', data: { subject: { type: 'email' }, origin: 'mailbox' } },
    ]);
    for (const [index, { data, timestamp }] of contents.entries()) {
      expect(data).not.toHaveProperty('data');
      expect(posted[index]?.headers['webhook-id']).toBe(data.id);
      // Not by the watchdog, which would come after a minute.
      expect((posted[index]?.at ?? Number.POSITIVE_INFINITY) - Date.parse(timestamp)).toBeLessThan(30_000);
    }
  });
});
