import { describe, expect, it } from 'vitest';
import type { DeliveryReport, ReportedOutcome } from '../../../shared/delivery-report/delivery-report.ts';
import { noteReport } from '../../../shared/delivery-report/note-report.ts';
import { concludeAttempt } from '../../../shared/email/delivery-outcome.ts';
import type { Email, Party } from '../../../shared/email/email.ts';
import { defaultSettings } from '../../support/default-settings.ts';

const now = new Date('2026-11-20T12:20:00.000Z');

const party = (address: string, fields: Partial<Party> = {}): Party => ({
  address,
  records: [],
  result: 'accepted',
  ...fields,
});

const email = (fields: Partial<Email> = {}): Email =>
  ({
    id: 'eml_1',
    direction: 'outgoing',
    status: 'sent',
    readReceipt: true,
    to: [party('Carl@client.example', { name: 'Carl' })],
    cc: [party('dora@client.example')],
    bcc: [],
    delivery: { attempts: 1, lastAttemptAt: null, nextAttemptAt: null, fault: null, events: [], sentCopy: 'stored' },
    ...fields,
  }) as Email;

const report = (outcome: ReportedOutcome, ...addresses: readonly string[]): DeliveryReport => ({
  messageIds: ['<1@contoso.example>'],
  envelopeId: undefined,
  recipients: addresses.map((address) => ({ addresses: [address], outcome, answer: '550 5.1.1 unknown' })),
});

const eventsOf = ({ delivery }: Email) => delivery?.events.map(({ event, detail }) => `${event} ${detail}`);

describe('a bounce', () => {
  it('marks the recipient and keeps the status', () => {
    const noted = noteReport(email(), report('failed', 'carl@CLIENT.example'), now);

    expect(noted?.email.status).toBe('sent');
    expect(noted?.email.to).toEqual([
      party('Carl@client.example', { name: 'Carl', result: 'bounced', code: 'bounced', answer: '550 5.1.1 unknown' }),
    ]);
    expect(noted?.email.cc).toEqual(email().cc);
    expect(noted?.bounced).toHaveLength(1);
    expect(noted?.changedFields).toEqual(['to', 'delivery']);
    expect(eventsOf(noted?.email ?? email())).toEqual(['bounced Carl@client.example: 550 5.1.1 unknown']);
  });

  it('that comes twice changes nothing the second time', () => {
    const once = noteReport(email(), report('failed', 'carl@client.example'), now)?.email ?? email();

    expect(noteReport(once, report('failed', 'carl@client.example'), now)).toBeUndefined();
  });

  it('of an address that the email did not go to changes nothing', () => {
    expect(noteReport(email(), report('failed', 'somebody@client.example'), now)).toBeUndefined();
  });

  it.each(['draft', 'canceled', 'failed', 'received'] as const)('of an email that is %s changes nothing', (status) => {
    const direction = status === 'received' ? 'incoming' : 'outgoing';

    expect(noteReport(email({ status, direction }), report('failed', 'carl@client.example'), now)).toBeUndefined();
  });

  it.each(['rejected', 'deferred'] as const)('of a recipient that was %s changes nothing', (result) => {
    const to = [party('carl@client.example', { result })];

    expect(noteReport(email({ to }), report('failed', 'carl@client.example'), now)).toBeUndefined();
  });

  it('does not undo that somebody has read it', () => {
    const to = [party('carl@client.example', { result: 'read' })];

    expect(noteReport(email({ to }), report('failed', 'carl@client.example'), now)).toBeUndefined();
  });

  it('of mail that waits for its first attempt changes nothing', () => {
    const to = [party('carl@client.example', { result: undefined })];

    expect(
      noteReport(email({ status: 'pendingSend', to }), report('failed', 'carl@client.example'), now),
    ).toBeUndefined();
  });

  it('that is quicker than the note of the answer before it stands', () => {
    const { result: _result, ...unjudged } = party('carl@client.example');
    const sending = email({ status: 'sending', to: [unjudged], cc: [] });
    const bounced = noteReport(sending, report('failed', 'carl@client.example'), now)?.email ?? sending;
    const entry = {
      emailId: 'eml_1',
      mailboxId: 'mbx_1',
      state: 'handing',
      notBefore: 0,
      attempts: 1,
      acceptedAt: 0,
    } as const;
    const outcomes = new Map([['carl@client.example', { result: 'accepted' as const }]]);

    const concluded = concludeAttempt(bounced, entry, { outcomes, outgoing: defaultSettings.outgoing, now });

    expect(concluded.email.status).toBe('sent');
    expect(concluded.email.to[0]?.result).toBe('bounced');
  });

  it('of one recipient does not make an email failed of which others are refused later', () => {
    const deferred = email({ status: 'pendingSend', cc: [party('dora@client.example', { result: 'deferred' })] });
    const bounced = noteReport(deferred, report('failed', 'carl@client.example'), now)?.email ?? deferred;
    const entry = {
      emailId: 'eml_1',
      mailboxId: 'mbx_1',
      state: 'handing',
      notBefore: 0,
      attempts: 2,
      acceptedAt: 0,
    } as const;
    const outcomes = new Map([['dora@client.example', { result: 'rejected' as const }]]);

    const concluded = concludeAttempt(bounced, entry, { outcomes, outgoing: defaultSettings.outgoing, now });

    expect(concluded.email.status).toBe('sent');
  });
});

describe('a notice of delay', () => {
  it('is no failure: it stands in the history', () => {
    const noted = noteReport(email(), report('delayed', 'carl@client.example'), now);

    expect(noted?.email.to).toEqual(email().to);
    expect(noted?.bounced).toEqual([]);
    expect(eventsOf(noted?.email ?? email())).toEqual(['delayed Carl@client.example: 550 5.1.1 unknown']);
  });

  it('counts once, however often it comes and whatever it says', () => {
    const once = noteReport(email(), report('delayed', 'carl@client.example'), now)?.email ?? email();
    const again = { ...report('delayed', 'carl@client.example') };
    const other = { ...again, recipients: again.recipients.map((one) => ({ ...one, answer: 'something else' })) };

    expect(noteReport(once, again, now)).toBeUndefined();
    expect(noteReport(once, other, now)).toBeUndefined();
  });

  it.each(['delivered', 'relayed', 'expanded'] as const)('%s is noted likewise', (outcome) => {
    const noted = noteReport(email(), report(outcome, 'dora@client.example'), now);

    expect(noted?.email.cc).toEqual(email().cc);
    expect(eventsOf(noted?.email ?? email())?.[0]).toContain(`${outcome} dora@client.example`);
  });
});

describe('a read receipt', () => {
  it('marks the recipient', () => {
    const noted = noteReport(email(), report('read', 'carl@client.example'), now);

    expect(noted?.email.to[0]).toMatchObject({ address: 'Carl@client.example', result: 'read' });
    expect(noted?.email.to[0]).not.toHaveProperty('code');
    expect(noted?.bounced).toEqual([]);
  });

  it('that nobody asked for changes nothing', () => {
    expect(noteReport(email({ readReceipt: false }), report('read', 'carl@client.example'), now)).toBeUndefined();
  });

  it('of a message that was deleted unread says so in the history', () => {
    const noted = noteReport(email(), report('deletedUnread', 'carl@client.example'), now);

    expect(noted?.email.to).toEqual(email().to);
    expect(eventsOf(noted?.email ?? email())?.[0]).toContain('deletedUnread Carl@client.example');
  });
});
