import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  concludeAttempt,
  pendingRecipientsOf,
  type RecipientOutcome,
  recipientsOf,
} from '../../../shared/email/delivery-outcome.ts';
import type { Email } from '../../../shared/email/email.ts';
import type { OutboxEntry } from '../../../shared/email/outbox.ts';
import { createFault } from '../../../shared/platform/fault.ts';

const attempts = 4;
const now = new Date('2026-11-20T12:00:00.000Z');

const emailTo = (count: number): Email =>
  ({
    id: 'eml_1',
    status: 'sending',
    to: Array.from({ length: count }, (_, index) => ({ address: `r${index}@example.test`, records: [] })),
    cc: [],
    bcc: [],
    delivery: null,
  }) as unknown as Email;

const entryOf = (attempt: number, pendingRecipients?: readonly string[]): OutboxEntry => ({
  emailId: 'eml_1',
  mailboxId: 'mbx_1',
  state: 'handing',
  notBefore: 0,
  attempts: attempt,
  acceptedAt: 0,
  claim: 'run',
  ...(pendingRecipients === undefined ? {} : { pendingRecipients: [...pendingRecipients] }),
});

const faults = {
  accepted: undefined,
  rejected: createFault('recipientRejected'),
  deferred: createFault('serverError'),
  unconfirmed: createFault('deliveryUnconfirmed'),
};

const outcome = (result: RecipientOutcome['result'], answer?: string): RecipientOutcome => ({
  result,
  fault: faults[result],
  answer,
});

const conclude = (
  email: Email,
  entry: OutboxEntry,
  results: readonly RecipientOutcome['result'][],
  onUnconfirmed: 'hold' | 'resend' = 'hold',
) =>
  concludeAttempt(email, entry, {
    outcomes: new Map(
      pendingRecipientsOf(email, entry).map(({ address }, index) => [address, outcome(results[index] ?? 'accepted')]),
    ),
    outgoing: { retry: { attempts, seconds: 300 }, onUnconfirmed, saveToSentItems: false },
    now,
  });

describe('what an attempt makes of an email', () => {
  it('ends whatever servers answer, tries nobody again who has it, and tells what became of it', () => {
    const result = fc.constantFrom<RecipientOutcome['result']>('accepted', 'rejected', 'deferred', 'unconfirmed');
    fc.assert(
      fc.property(
        fc.array(fc.array(result, { minLength: 5, maxLength: 5 }), { minLength: attempts, maxLength: attempts }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom<'hold' | 'resend'>('hold', 'resend'),
        (answers, recipients, onUnconfirmed) => {
          let email = emailTo(recipients);
          let entry: OutboxEntry | undefined = entryOf(1);
          const accepted = new Set<string>();
          for (let attempt = 1; entry !== undefined; attempt += 1) {
            expect(attempt).toBeLessThanOrEqual(attempts);
            const tried = pendingRecipientsOf(email, entry).map(({ address }) => address);
            expect(tried.some((address) => accepted.has(address))).toBe(false);
            const next = conclude(email, { ...entry, attempts: attempt }, answers[attempt - 1] ?? [], onUnconfirmed);
            email = next.email;
            entry = next.entry;
            for (const party of recipientsOf(email)) if (party.result === 'accepted') accepted.add(party.address);
            expect(email.status === 'pendingSend').toBe(entry !== undefined);
          }
          const results = recipientsOf(email).map((party) => party.result);
          const expected = results.includes('unconfirmed') ? 'unconfirmed' : accepted.size > 0 ? 'sent' : 'failed';
          expect(email.status).toBe(expected);
          if (expected !== 'unconfirmed') expect(results).not.toContain('deferred');
          expect(email.delivery?.fault === null).toBe(expected === 'sent');
        },
      ),
    );
  });

  it('asks for patience as long as the settings say', () => {
    const { email, entry } = conclude(emailTo(1), entryOf(1), ['deferred']);

    expect(email.delivery).toMatchObject({ nextAttemptAt: '2026-11-20T12:05:00.000Z', fault: { code: 'serverError' } });
    expect(entry).toMatchObject({ state: 'waiting', notBefore: now.getTime() + 300_000 });
    expect(entry).not.toHaveProperty('claim');
  });

  it('keeps answers short enough that an email to very many can be stored', () => {
    const email = emailTo(500);

    const next = concludeAttempt(email, entryOf(1), {
      outcomes: new Map(recipientsOf(email).map(({ address }) => [address, outcome('rejected', 'x'.repeat(300))])),
      outgoing: { retry: { attempts, seconds: 300 }, onUnconfirmed: 'hold', saveToSentItems: true },
      now,
    });

    expect(JSON.stringify(next.email.to).length).toBeLessThan(120_000);
  });
});
