import { continueConversationIndex, startConversationIndex } from '../../shared/email/conversation-index.ts';
import type { Email } from '../../shared/email/email.ts';
import { readMessageHeaders } from '../../shared/email/mime/message-headers.ts';
import type { User } from '../../shared/owner/owner.ts';
import { decideMessage } from '../../shared/tracking/decide-message.ts';
import { takeEarlySteps } from '../../shared/tracking/early-steps.ts';
import { gatherFacts } from '../../shared/tracking/gather-facts.ts';
import { identityOf } from '../../shared/tracking/mailbox-message.ts';
import { DecisionWorld, type GivenMessage } from '../support/decision-world.ts';
import { type CountedTable, countReads } from './support/counted-table.ts';
import type { Figure, Row } from './support/figure.ts';
import { decimals, median, times, whole } from './support/format.ts';
import { createMemoryTable } from './support/memory-table.ts';

const records = 100_000;
const mailboxes = 1_000;
const emails = 100_000;
const messagesPerRun = 100;
const runs = 15;
const day = 86_400_000;

interface Filled {
  readonly world: DecisionWorld;
  readonly table: CountedTable;
  readonly users: readonly User[];
  readonly sent: (number: number) => Email;
}

const userName = (number: number): string => `user${number % mailboxes}`;
const contactAddress = (number: number): string => `contact${number % records}@client${number % 5_000}.example`;
const subjectOf = (number: number): string => `Offer ${number % 20_000} of ${number % 50} chairs`;

/** An organization whose users wrote to its contacts over the last 80 days. */
const fill = async (): Promise<Filled> => {
  const table = countReads(createMemoryTable([]));
  const world = new DecisionWorld({ correlation: { smartMatching: { enabled: true } } }, table);
  const users: User[] = [];
  for (let number = 0; number < mailboxes; number += 1) users.push(await world.user(userName(number)));
  for (let number = 0; number < records; number += 1) await world.record('contact', contactAddress(number));
  const sent: Email[] = [];
  for (let number = 0; number < emails; number += 1) {
    const user = users[number % mailboxes];
    const from = { type: 'user', id: user?.id ?? '', externalId: null };
    const at = new Date(world.now.getTime() - 80 * day + Math.floor((number / emails) * 80 * day));
    const email = await world.sent(
      {
        from: { address: `${userName(number)}@contoso.example`, records: [from] },
        to: [{ address: contactAddress(number), records: [] }],
        subject: subjectOf(number),
        token: `CRM:0${String(number % mailboxes).padStart(3, '0')}${String(number).padStart(6, '0')}`,
        conversationIndex: startConversationIndex(`eml_${number}`),
      },
      at,
    );
    sent.push(email);
  }
  return {
    world,
    table,
    users,
    sent: (number) => {
      const email = sent[number];
      if (email === undefined) throw new Error(`There is no email ${number}`);
      return email;
    },
  };
};

interface Kind {
  readonly what: string;
  readonly correlation: Email['correlation']['method'];
  /** A message that a mailbox gets; `number` is that of the email that it answers. */
  readonly given: (filled: Filled, number: number) => GivenMessage['fields'];
}

const plain = (number: number) => ({
  From: `Contact <${contactAddress(number)}>`,
  To: `${userName(number)}@contoso.example`,
});

const kinds: readonly Kind[] = [
  {
    what: 'mail from strangers',
    correlation: 'none',
    given: (_, number) => ({ ...plain(number), From: `stranger${number}@new.example`, Subject: `News ${number}` }),
  },
  {
    what: 'mail from contacts',
    correlation: 'none',
    given: (_, number) => ({ ...plain(number), Subject: `Question ${number} about chairs` }),
  },
  {
    what: 'answers by In-Reply-To',
    correlation: 'inReplyTo',
    given: ({ sent }, number) => ({ ...plain(number), 'In-Reply-To': String(sent(number).messageId) }),
  },
  {
    what: 'answers by token',
    correlation: 'token',
    given: ({ sent }, number) => ({ ...plain(number), Subject: `Re: ${subjectOf(number)} ${sent(number).token}` }),
  },
  {
    what: 'answers by Thread-Index',
    correlation: 'conversationIndex',
    given: ({ sent, world }, number) => ({
      ...plain(number),
      'Thread-Index': continueConversationIndex(String(sent(number).conversationIndex), 'answer', world.now),
    }),
  },
  {
    what: 'answers by smart matching',
    correlation: 'smartMatching',
    given: (_, number) => ({ ...plain(number), Subject: `AW: ${subjectOf(number)}` }),
  },
];

interface Measured {
  readonly calls: number;
  readonly items: number;
  readonly microseconds: number;
  readonly headerMicroseconds: number;
}

/** Processor time, which a busy machine does not change. */
const usedSince = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return user + system;
};

/** One run over a mailbox: a window of messages decided one after another, as a cycle begins, with nothing known. */
const decideWindow = async (filled: Filled, kind: Kind, run: number): Promise<Measured> => {
  const { world, table, users } = filled;
  const mailbox = (run * 61) % mailboxes;
  const given = Array.from({ length: messagesPerRun }, (_, index) => {
    const number = mailbox + ((index * 37 + run) % (emails / mailboxes)) * mailboxes;
    return world.message({ fields: kind.given(filled, number) ?? {} });
  });
  const parsing = process.cpuUsage();
  for (const { raw } of given) readMessageHeaders(raw);
  const headerMicroseconds = usedSince(parsing) / messagesPerRun;
  const context = world.context(users[mailbox]);
  const { settings } = world.organization;
  const before = table.reads();
  const began = process.cpuUsage();
  const identities = given.flatMap(({ message }) => identityOf(message.headers) ?? []);
  const known = await context.lookups.trackedEmails('incoming', identities);
  for (const { message } of given) {
    const earlySteps = takeEarlySteps(message, null, settings.tracking);
    const facts = await gatherFacts(context, message, known.get(identityOf(message.headers) ?? ''));
    const verdict = decideMessage(facts, earlySteps);
    const found = facts.correlation.found?.method ?? 'none';
    if (verdict.outcome !== 'tracked' || found !== kind.correlation)
      throw new Error(`${kind.what}: ${verdict.outcome}, correlated by ${found}`);
  }
  const microseconds = usedSince(began) / messagesPerRun;
  const after = table.reads();
  return {
    calls: (after.calls - before.calls) / messagesPerRun,
    items: (after.items - before.items) / messagesPerRun,
    microseconds,
    headerMicroseconds,
  };
};

const rowOf = (what: string, measured: readonly Measured[]): Row => {
  const of = (pick: (one: Measured) => number): number => median(measured.map(pick));
  const [time, header] = [of(({ microseconds }) => microseconds), of(({ headerMicroseconds }) => headerMicroseconds)];
  return {
    what,
    value: `${whole(time)} µs, ${decimals(
      of(({ calls }) => calls),
      2,
    )} reads of ${decimals(
      of(({ items }) => items),
      2,
    )} items`,
    against: `${whole(header)} µs for reading its header`,
    ratio: times(time / header),
  };
};

/** The worst that smart matching can meet: one counterpart and one subject in every email of a mailbox. */
const fillCommonSubject = async ({ world }: Filled): Promise<void> => {
  for (let number = 0; number < 10_000; number += 1)
    await world.sent(
      {
        from: { address: `${userName(0)}@contoso.example`, records: [] },
        to: [{ address: 'ticket@client.example', records: [] }],
        subject: `Ticket ${number}`,
        conversationIndex: startConversationIndex(`eml_ticket${number}`),
      },
      new Date(world.now.getTime() - day + number * 1000),
    );
};

const commonCounterpart: Kind = {
  what: 'smart matching with one who has 10,000 emails',
  correlation: 'smartMatching',
  given: (_, number) => ({
    From: 'ticket@client.example',
    To: `${userName(0)}@contoso.example`,
    // Among the newest 200, where it looks.
    Subject: `Re: Ticket ${9_999 - (number % 150)}`,
  }),
};

export const decision: Figure = {
  describe: `decisions with ${whole(records)} records, ${whole(mailboxes)} mailboxes and ${whole(emails)} emails known, state in memory`,
  measure: async (progress) => {
    progress('fill');
    const filled = await fill();
    const rows: Row[] = [];
    for (const kind of kinds) {
      progress(kind.what);
      const measured: Measured[] = [];
      for (let run = 0; run < runs; run += 1) measured.push(await decideWindow(filled, kind, run));
      rows.push(rowOf(`${kind.what}, ${messagesPerRun} in a run`, measured));
    }
    progress(commonCounterpart.what);
    await fillCommonSubject(filled);
    const measured: Measured[] = [];
    for (let run = 0; run < runs; run += 1) measured.push(await decideWindow(filled, commonCounterpart, 0));
    return [...rows, rowOf(commonCounterpart.what, measured)];
  },
};
