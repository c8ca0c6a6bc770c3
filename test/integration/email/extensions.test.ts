import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SmtpProxy, startSmtpProxy } from '../../support/smtp-proxy.ts';
import { findOrigin } from './message-text.ts';
import { type SendingOrganization, type SendingWorld, startSendingWorld } from './sending-world.ts';

let world: SendingWorld;
let proxy: SmtpProxy;
let organization: SendingOrganization;

beforeAll(async () => {
  world = await startSendingWorld();
  proxy = await startSmtpProxy(world.servers.environment);
  organization = await world.createOrganization({
    profile: {
      outgoing: { protocol: 'smtp', ...proxy.endpoint },
      caCertificates: `${world.servers.environment.caCertificate}\n${proxy.caCertificate}`,
    },
    settings: { outgoing: { allowUnresolvedRecipients: true, saveToSentItems: false } },
  });
});

afterAll(async () => {
  await proxy?.stop();
  await world?.stop();
});

const sendTo = async (addresses: readonly string[], fields: object = {}) => {
  const before = proxy.commands().length;
  const { id } = await organization.send({
    to: addresses.map((address) => ({ address })),
    subject: 'Grüße',
    ...fields,
  });
  return { sent: await organization.runToEnd(id), commands: proxy.commands().slice(before) };
};

describe('where the server offers it', () => {
  it('reports on the delivery name the email, and a receipt is asked for', async () => {
    proxy.hidden = [];
    const { sent, commands } = await sendTo([world.mailUser(2).address], { deliveryReceipt: true });

    expect(commands[0]).toContain(` RET=HDRS ENVID=${sent.id}`);
    expect(commands[1]).toMatch(/ NOTIFY=SUCCESS,FAILURE,DELAY/);
  });

  it('no receipt is asked for unless the caller wants one', async () => {
    const { commands } = await sendTo([world.mailUser(2).address]);

    expect(commands[0]).toContain('ENVID=');
    expect(commands[1]).not.toContain('NOTIFY');
  });

  it('an address beyond ASCII is written as it is, with SMTPUTF8 and 8BITMIME', async () => {
    proxy.hidden = [];
    const { sent, commands } = await sendTo(['grüße@example.test', world.mailUser(2).address]);

    expect(commands[0]).toContain('SMTPUTF8');
    expect(commands[0]).toContain('BODY=8BITMIME');
    expect(commands[1]).toContain('<grüße@example.test>');
    expect(sent.to[1].result).toBe('accepted');
  });

  it('ASCII mail needs neither', async () => {
    const { commands } = await sendTo([world.mailUser(2).address]);

    expect(commands[0]).not.toMatch(/SMTPUTF8|8BITMIME/);
  });
});

describe('an address beyond ASCII that only the header names', () => {
  const replyTo = [{ address: 'grüße@example.test' }];

  it('asks for SMTPUTF8, too, where the server offers it', async () => {
    proxy.hidden = [];
    const { sent, commands } = await sendTo([world.mailUser(2).address], { replyTo });

    expect(sent.status).toBe('sent');
    expect(commands[0]).toMatch(/^MAIL FROM:<[^>]*> SMTPUTF8 BODY=8BITMIME /);
  });

  it('is not asked for with the next message, which names none', async () => {
    const drafts = [
      await organization.draft({ to: [{ address: world.mailUser(2).address }], replyTo }),
      await organization.draft({ to: [{ address: world.mailUser(2).address }] }),
    ];
    const before = proxy.commands().length;
    for (const { id } of drafts) await organization.call('POST', `/emails/${id}/send`);
    for (const { id } of drafts) await organization.runToEnd(id);
    const mails = proxy
      .commands()
      .slice(before)
      .filter((command) => command.startsWith('MAIL'));

    expect(mails.map((command) => command.includes('SMTPUTF8'))).toEqual([true, false]);
  });

  it('keeps the email from a server that does not offer it, and says why', async () => {
    proxy.hidden = ['SMTPUTF8'];
    const { sent, commands } = await sendTo([world.mailUser(2).address], { replyTo });

    expect(commands).toEqual([]);
    expect(sent).toMatchObject({
      status: 'failed',
      to: [{ result: 'rejected', code: 'messageRejected' }],
      delivery: { fault: { code: 'messageRejected' } },
    });
    expect(sent.delivery.fault.detail).toContain('SMTPUTF8');
  });

  it('is no obstacle where it is one of a domain alone, which travels as ASCII', async () => {
    proxy.hidden = ['SMTPUTF8'];
    const { sent, commands } = await sendTo([world.mailUser(2).address], {
      replyTo: [{ address: 'info@grüße.example' }],
    });
    const message = findOrigin(await world.received(world.mailUser(2), sent.messageId));

    expect(commands[0]).not.toContain('SMTPUTF8');
    expect(message.header('Reply-To')).toBe('info@xn--gre-6ka8l.example');
  });
});

describe('where the server does not offer it', () => {
  it('nothing is asked for, and an address beyond ASCII that no header shows is refused for itself alone', async () => {
    proxy.hidden = ['DSN', 'SMTPUTF8', '8BITMIME'];
    const { sent, commands } = await sendTo([world.mailUser(2).address], {
      bcc: [{ address: 'grüße@example.test' }],
      deliveryReceipt: true,
    });

    expect(commands.join('\n')).not.toMatch(/SMTPUTF8|8BITMIME|NOTIFY|ENVID|RET=|grüße/);
    expect(sent.status).toBe('sent');
    expect(sent.to).toMatchObject([{ result: 'accepted' }]);
    expect(sent.bcc).toMatchObject([{ address: 'grüße@example.test', result: 'rejected', code: 'recipientRejected' }]);
  });

  it('an email that shows such an address to the others goes to nobody: they would get a header that is none', async () => {
    const { sent, commands } = await sendTo(['grüße@example.test', world.mailUser(2).address]);

    expect(commands).toEqual([]);
    expect(sent.status).toBe('failed');
    expect(sent.to).toMatchObject([
      { address: 'grüße@example.test', code: 'recipientRejected' },
      { code: 'messageRejected' },
    ]);
  });

  it('an email to such addresses alone fails, and says why', async () => {
    const { sent, commands } = await sendTo(['grüße@example.test']);

    expect(commands).toEqual([]);
    expect(sent.status).toBe('failed');
    expect(sent.delivery.fault).toMatchObject({ code: 'recipientRejected' });
    expect(sent.delivery.fault.detail).toContain('SMTPUTF8');
  });
});

describe('the form of a message', () => {
  const receive = async (fields: object) => {
    proxy.hidden = [];
    const { sent } = await sendTo([world.mailUser(2).address], fields);
    return { sent, message: findOrigin(await world.received(world.mailUser(2), sent.messageId)) };
  };

  it('survives signing: lines end with CRLF and are short, the last one, too', async () => {
    const { message } = await receive({
      subject: 'Grüße aus Zürich '.repeat(10),
      headers: { 'X-Long': 'word '.repeat(170) },
      body: { text: `one\ntwo\rthree\r\nfour\n${'x'.repeat(5_000)}\nFrom here on\n.\n\n\n`, html: '<p>one</p>\n\n' },
    });
    const text = message.raw.toString('latin1');

    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(text.endsWith('\r\n')).toBe(true);
    expect(Math.max(...text.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
  });

  it('has a text for those who read no HTML', async () => {
    const { message } = await receive({
      body: { html: '<p>Dear Carl,<br>see <a href="https://a.example/">this</a></p>' },
    });

    expect(message.header('Content-Type')).toContain('multipart/alternative');
    expect(message.raw.toString()).toContain('Dear Carl,\r\nsee this [https://a.example/]');
  });

  it('shows its priority to every mail program, and none when it is normal', async () => {
    const [high, low, normal] = [
      await receive({ priority: 'high' }),
      await receive({ priority: 'low' }),
      await receive({}),
    ];

    expect([high, low, normal].map(({ message }) => message.header('X-Priority'))).toEqual([
      '1 (Highest)',
      '5 (Lowest)',
      '',
    ]);
    expect([high, low, normal].map(({ message }) => message.header('Importance'))).toEqual(['high', 'low', '']);
  });

  it('puts images into the HTML that shows them, and other files beside it', async () => {
    const draft = await organization.draft({
      to: [{ address: world.mailUser(2).address }],
      subject: 'Plan',
      body: { html: '<p>Our plan</p><img src="cid:logo@hub">' },
    });
    const file = { contentType: 'image/png', contentBase64: Buffer.from('png').toString('base64') };
    const path = `/emails/${draft.id}/attachments`;
    await organization.call('POST', path, { ...file, fileName: 'logo.png', contentId: 'logo@hub' });
    await organization.call('POST', path, { ...file, fileName: 'plan.png' });
    await organization.call('POST', `/emails/${draft.id}/send`);
    const sent = await organization.runToEnd(draft.id);
    const raw = (await world.received(world.mailUser(2), sent.messageId)).toString().toLowerCase();

    const order = [
      'multipart/mixed',
      'multipart/alternative',
      'multipart/related',
      'content-id: <logo@hub>',
      'plan.png',
    ];
    expect(order.map((part) => raw.indexOf(part)).every((at, index, all) => at > (all[index - 1] ?? -1))).toBe(true);
    expect(/content-disposition: inline;[^:]*logo\.png/.test(raw)).toBe(true);
    expect(/content-disposition: attachment;[^:]*plan\.png/.test(raw)).toBe(true);
  });
});
