import { eventually } from '../../support/eventually.ts';
import { appendMessage, deliverMessage, withMailbox } from '../../support/mailbox-client.ts';
import type { Random } from '../plan/random.ts';
import { UnexpectedAnswer } from '../world/hub.ts';
import type { World } from '../world/world.ts';
import { type Cast, type SynchronizedUser, testUntilEnabled } from './cast.ts';
import type { Ledger, Recipient } from './ledger.ts';
import { hostileMessage, wholesomeMessage } from './messages.ts';
import { loseWatchedFolder, restoreWatchedFolder, watchedFolder } from './watched-folder.ts';

export interface Stage {
  readonly world: World;
  readonly cast: Cast;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly round: number;
  /** A text that no other message of the run has. */
  readonly mark: () => string;
}

export type Action = (stage: Stage) => Promise<void>;

/** The server may just be starting again. */
const put = ({ world }: Stage, user: SynchronizedUser, raw: Buffer, folder = 'INBOX'): Promise<number> =>
  eventually(() => appendMessage(world.mail.environment, user.mailUser, raw, { folder }).catch(() => undefined), {
    what: `a message is put into the mailbox of ${user.mailUser.address}`,
    seconds: 60,
  });

const losesSentFolder: Action = async ({ world, cast, random, mark }) => {
  const { mailUser } = random.pick(cast.users);
  const name = `Sent ${mark()}`;
  const rename = () =>
    withMailbox(world.mail.environment, mailUser, async (client) => {
      // An attempt before this one may have got through without its answer.
      if ((await client.list()).some(({ path }) => path === name)) return true;
      // It may never have been used.
      await client.mailboxCreate('Sent').catch(() => undefined);
      return client.mailboxRename('Sent', name);
    });
  await eventually(() => rename().catch(() => undefined), {
    what: `Sent of ${mailUser.address} is renamed`,
    seconds: 60,
  });
};

/** The subject of a message that must be tracked. */
const expectTracked = ({ ledger, round, mark }: Stage): string => {
  const subject = mark();
  ledger.wholesome.set(subject, round);
  return subject;
};

const unknownSender = (random: Random): string => `Sender <sender${random.whole(1, 3)}@client.example>`;

const receivesMail: Action = async (stage) => {
  const { cast, random } = stage;
  const user = random.pick(cast.users);
  for (let count = random.whole(1, 3); count > 0; count -= 1)
    await put(stage, user, wholesomeMessage(expectTracked(stage), unknownSender(random)));
};

/** A rule has the mail of this folder tracked, whatever its owner's filter says. */
const findsMailInFolder: Action = async (stage) => {
  const { cast, random } = stage;
  const user = random.pick(cast.users);
  await put(stage, user, wholesomeMessage(expectTracked(stage), unknownSender(random)), watchedFolder);
};

/** The folder of a rule goes, and another one of its name comes so many seconds later. */
const losesFolderFor =
  (seconds: number): Action =>
  async (stage) => {
    const { world, cast, random, mark } = stage;
    const user = random.pick(cast.users);
    await loseWatchedFolder(world, user.mailUser, random, mark());
    await world.clock.pause(seconds);
    await restoreWatchedFolder(world, cast.call, user, user.folderRuleId);
    await put(stage, user, wholesomeMessage(expectTracked(stage), unknownSender(random)), watchedFolder);
  };

/** The same message in all mailboxes, with or without a Message-ID. */
const sharesMail: Action = async (stage) => {
  const { cast, random } = stage;
  const subject = expectTracked(stage);
  const more = random.chance(0.4) ? { 'Message-ID': undefined } : {};
  const raw = wholesomeMessage(subject, unknownSender(random), more, `Shared ${subject}`);
  for (const user of cast.users) await put(stage, user, raw);
};

const isSentMailFromOutside: Action = async (stage) => {
  const { world, cast, random } = stage;
  const subject = expectTracked(stage);
  await deliverMessage(world.mail.environment, {
    from: `outside${random.whole(1, 2)}@client.example`,
    to: cast.users.map(({ mailUser }) => mailUser.address),
    subject,
    text: 'By way of the MX',
  });
};

const receivesHostileMail: Action = async (stage) => {
  const { cast, random, mark } = stage;
  await put(stage, random.pick(cast.users), hostileMessage(mark(), random));
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
  ledger.sends.set(email.id, { round: stage.round, recipients });
  if (!random.chance(0.4)) return;
  const subject = expectTracked(stage);
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

/** An administrator tests a mailbox, again and again until it is enabled. */
const isTestedAgain: Action = async ({ world, cast, random }) => {
  const { mailboxId } = random.pick(cast.users);
  await testUntilEnabled(world, cast.call, mailboxId, { sendTestMessage: false, attempts: 20 });
};

/** What can happen, and how often against the others. */
const weights = new Map<Action, number>([
  [receivesMail, 5],
  [sharesMail, 4],
  [isSentMailFromOutside, 1],
  [receivesHostileMail, 2],
  [sends, 8],
  [asksForSynchronization, 3],
  [isDisabledForAWhile, 1],
  [isTestedAgain, 0.5],
  [losesSentFolder, 0.5],
  [findsMailInFolder, 2],
  [losesFolderFor(0), 0.5],
  // Until a cycle has found the rule broken.
  [losesFolderFor(400), 0.5],
]);

/** The actions of one round: some of each of the main ones, and some more. */
export const drawActions = (random: Random): readonly Action[] =>
  random.shuffle([
    receivesMail,
    sharesMail,
    sends,
    sends,
    ...Array.from({ length: random.whole(1, 4) }, () =>
      random.pickWeighted([...weights.keys()], (action) => weights.get(action) ?? 0),
    ),
  ]);

/** A round in which everything happens. */
export const everyAction = (): readonly Action[] => [sends, ...weights.keys(), sends];
