import { appendMessage, deliverMessage } from '../../support/mailbox-client.ts';
import type { Random } from '../plan/random.ts';
import { UnexpectedAnswer } from '../world/hub.ts';
import type { World } from '../world/world.ts';
import type { Cast, SynchronizedUser } from './cast.ts';
import type { Ledger, Recipient } from './ledger.ts';
import { hostileMessage, wholesomeMessage } from './messages.ts';

export interface Stage {
  readonly world: World;
  readonly cast: Cast;
  readonly ledger: Ledger;
  readonly random: Random;
  /** A text that no other message of the run has. */
  readonly mark: () => string;
}

export type Action = (stage: Stage) => Promise<void>;

const put = ({ world }: Stage, user: SynchronizedUser, raw: Buffer) =>
  appendMessage(world.mail.environment, user.mailUser, raw);

const unknownSender = (random: Random): string => `Sender <sender${random.whole(1, 3)}@client.example>`;

const receivesMail: Action = async (stage) => {
  const { cast, ledger, random, mark } = stage;
  const user = random.pick(cast.users);
  for (let count = random.whole(1, 3); count > 0; count -= 1) {
    const subject = mark();
    ledger.wholesome.add(subject);
    await put(stage, user, wholesomeMessage(subject, unknownSender(random)));
  }
};

/** The same message in all mailboxes, with or without a Message-ID. */
const sharesMail: Action = async (stage) => {
  const { cast, ledger, random, mark } = stage;
  const subject = mark();
  ledger.wholesome.add(subject);
  const more = random.chance(0.4) ? { 'Message-ID': undefined } : {};
  const raw = wholesomeMessage(subject, unknownSender(random), more, `Shared ${subject}`);
  for (const user of cast.users) await put(stage, user, raw);
};

const isSentMailFromOutside: Action = async ({ world, cast, ledger, random, mark }) => {
  const subject = mark();
  ledger.wholesome.add(subject);
  await deliverMessage(world.mail.environment, {
    from: `outside${random.whole(1, 2)}@client.example`,
    to: cast.users.map(({ mailUser }) => mailUser.address),
    subject,
    text: 'By way of the MX',
  });
};

const receivesHostileMail: Action = async (stage) => {
  const { cast, ledger, random, mark } = stage;
  const subject = mark();
  ledger.hostile.add(subject);
  await put(stage, random.pick(cast.users), hostileMessage(subject, random));
};

const recipientsOf = ({ cast, random }: Stage): readonly Recipient[] => {
  const delivered = cast.outsiders.map(({ address }) => ({ address, expected: 'delivered' as const }));
  return [
    ...delivered.slice(0, random.whole(1, delivered.length)),
    ...(random.chance(0.25) ? [{ address: 'nobody@example.test', expected: 'refused' as const }] : []),
    ...(random.chance(0.2) ? [{ address: 'late@defer.test', expected: 'deferred' as const }] : []),
  ];
};

const sends: Action = async (stage) => {
  const { cast, ledger, random, mark } = stage;
  const user = random.pick(cast.users);
  const recipients = recipientsOf(stage);
  const blind = random.chance(0.3);
  const email = await cast.call('POST', '/emails', {
    from: { owner: `ext:${user.externalId}` },
    to: recipients.slice(0, blind ? 1 : recipients.length).map(({ address }) => ({ address })),
    bcc: recipients.slice(blind ? 1 : recipients.length).map(({ address }) => ({ address })),
    subject: mark(),
    body: { text: 'Dear Carl, '.repeat(random.whole(1, 200)) },
    priority: random.pick(['low', 'normal', 'high']),
    send: true,
  });
  ledger.sends.set(email.id, recipients);
  if (!random.chance(0.4)) return;
  const subject = mark();
  ledger.wholesome.add(subject);
  await put(stage, user, wholesomeMessage(subject, 'Carl <carl@client.example>', { 'In-Reply-To': email.messageId }));
};

const asksForSynchronization: Action = async ({ cast, ledger, random }) => {
  const { mailboxId } = random.pick(cast.users);
  try {
    const operation = await cast.call('POST', `/mailboxes/${mailboxId}/sync`, {});
    ledger.operations.add(operation.id);
  } catch (error) {
    // A workload that errors have disabled cannot be asked.
    if (!(error instanceof UnexpectedAnswer) || !error.message.includes('workloadNotEnabled')) throw error;
  }
};

const isDisabledForAWhile: Action = async ({ world, cast, random }) => {
  const { mailboxId } = random.pick(cast.users);
  const workloads = { workloads: ['incoming'] };
  await cast.call('POST', `/mailboxes/${mailboxId}/disable`, workloads);
  await world.clock.pause(random.whole(0, 90));
  await cast.call('POST', `/mailboxes/${mailboxId}/enable`, workloads);
};

/** What can happen, and how often against the others. */
const actions: readonly (readonly [Action, number])[] = [
  [receivesMail, 5],
  [sharesMail, 4],
  [isSentMailFromOutside, 1],
  [receivesHostileMail, 2],
  [sends, 8],
  [asksForSynchronization, 3],
  [isDisabledForAWhile, 1],
];

/** The actions of one run: some of each of the main ones, and some more. */
export const drawActions = (random: Random): readonly Action[] =>
  random.shuffle([
    receivesMail,
    sharesMail,
    sends,
    sends,
    ...Array.from({ length: random.whole(1, 4) }, () => random.pickWeighted(actions, ([, weight]) => weight)[0]),
  ]);
