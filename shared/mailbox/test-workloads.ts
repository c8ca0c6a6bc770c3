import { Readable } from 'node:stream';
import MailComposer from 'nodemailer/lib/mail-composer';
import { testMessageHeader } from '../email/mime/test-message-header.ts';
import { createFault, type Fault } from '../platform/fault.ts';
import { connectionTarget } from '../server-profile/connection-target.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { Credentials, Dialler } from '../transport/connection.ts';
import { openSmtpSession } from '../transport/smtp/open-smtp-session.ts';
import { type IncomingProbe, openIncomingProbe } from './incoming-probe.ts';
import {
  createStepRecorder,
  faultOf,
  notAMailboxFault,
  type StepRecorder,
  TestFailure,
  type TestStep,
} from './test-steps.ts';

export interface WorkloadTest {
  readonly fault: Fault | undefined;
  readonly steps: readonly TestStep[];
}

export interface TestSubject {
  readonly serverProfile: Pick<ServerProfile, 'incoming' | 'outgoing' | 'caCertificates' | 'timeoutSeconds'>;
  /** Opened when the test comes to signing in. @throws TransportError when there are none */
  readonly openCredentials: () => Promise<Credentials>;
  /** Where the test message goes and comes from; null: a login is tested that belongs to no mailbox. */
  readonly emailAddress: string | null;
}

interface TestTools {
  readonly dialler: Dialler;
  readonly now: () => Date;
  /** Epoch milliseconds. */
  readonly deadline: number;
}

const listDetails = { imap: 'The folders can be read', pop3: 'The messages can be listed' } as const;
const arrivalMilliseconds = 45_000;
const lookAgainMilliseconds = 1_000;

const outcomeOf = async (recorder: StepRecorder, work: () => Promise<void>): Promise<WorkloadTest> => {
  try {
    await work();
    return { fault: undefined, steps: recorder.steps() };
  } catch (error) {
    const fault = faultOf(error);
    recorder.fail(fault);
    return { fault, steps: recorder.steps() };
  }
};

/** Without credentials nothing is tried, and it is the login that has failed. */
const openCredentials = async (subject: TestSubject, recorder: StepRecorder): Promise<Credentials> => {
  try {
    const credentials = await subject.openCredentials();
    // So that what is wrong with a token is found at its step, and not as the connection's fault.
    if (credentials.authentication === 'oauth2') await credentials.tokens.current();
    return credentials;
  } catch (error) {
    recorder.fail(faultOf(error), 'authenticate');
    throw error;
  }
};

const composeTestMessage = (address: string, messageId: string, now: Date): Promise<Buffer> =>
  new MailComposer({
    from: address,
    to: address,
    subject: 'Your mailbox is now connected',
    messageId,
    date: now,
    headers: { 'Auto-Submitted': 'auto-generated', [testMessageHeader]: '1' },
    text: 'This message tries out that the CRM can send from this mailbox. Nothing needs to be done with it.\r\n',
  })
    .compile()
    .build();

/** Signs in to the outgoing server and, with `messageId`, sends a message from the mailbox to itself. */
export const testOutgoing = async (
  subject: TestSubject,
  messageId: string | undefined,
  tools: TestTools,
): Promise<WorkloadTest> => {
  const { serverProfile, emailAddress } = subject;
  const recorder = createStepRecorder(['resolve', 'connect', 'tls', 'authenticate', 'send'], tools.now);
  if (serverProfile.outgoing.security === 'none') recorder.skip('tls', 'The profile asks for no encryption');
  return outcomeOf(recorder, async () => {
    const session = await openSmtpSession(
      connectionTarget(serverProfile, 'outgoing'),
      await openCredentials(subject, recorder),
      tools.dialler,
      { deadline: tools.deadline, onStep: (step) => recorder.succeed(step) },
    );
    try {
      if (messageId === undefined || emailAddress === null) {
        recorder.skip('send', 'No test message was asked for');
        return;
      }
      const content = await composeTestMessage(emailAddress, messageId, tools.now());
      const report = await session.send(
        {
          from: emailAddress,
          recipients: [emailAddress],
          sizeBytes: content.length,
          eightBit: false,
          internationalHeader: false,
          envelopeId: undefined,
          deliveryReceipt: false,
        },
        { onHanding: async () => undefined, open: async () => Readable.from([content]) },
      );
      if (report.trouble !== undefined && report.recipients[0]?.result !== 'accepted') throw report.trouble;
      const [recipient] = report.recipients;
      if (recipient?.result !== 'accepted') throw new TestFailure(recipient?.fault ?? createFault('serverError'));
      recorder.succeed('send');
    } finally {
      await session.close();
    }
  });
};

const waitForArrival = async (probe: IncomingProbe, messageId: string, until: number, now: () => Date) => {
  for (;;) {
    if (await probe.hasArrived(messageId)) return true;
    if (now().getTime() + lookAgainMilliseconds > until) return false;
    await new Promise((resolve) => setTimeout(resolve, lookAgainMilliseconds));
  }
};

/** Signs in to the incoming server, looks at what the login has and, with `messageId`, waits for the test message. */
export const testIncoming = async (
  subject: TestSubject,
  messageId: string | undefined,
  tools: TestTools,
): Promise<WorkloadTest> => {
  const { serverProfile } = subject;
  const recorder = createStepRecorder(['resolve', 'connect', 'tls', 'authenticate', 'list', 'receive'], tools.now);
  if (serverProfile.incoming.security === 'none') recorder.skip('tls', 'The profile asks for no encryption');
  return outcomeOf(recorder, async () => {
    const probe = await openIncomingProbe(serverProfile, await openCredentials(subject, recorder), tools.dialler, {
      deadline: tools.deadline,
      onStep: (step) => recorder.succeed(step),
    });
    try {
      await probe.list();
      recorder.succeed('list', listDetails[serverProfile.incoming.protocol]);
      if (messageId === undefined) {
        recorder.skip('receive', 'No test message was sent');
        return;
      }
      const until = Math.min(tools.now().getTime() + arrivalMilliseconds, tools.deadline - lookAgainMilliseconds);
      if (!(await waitForArrival(probe, messageId, until, tools.now)))
        throw new TestFailure(notAMailboxFault(subject.emailAddress ?? ''));
      recorder.succeed('receive');
    } finally {
      await probe.close();
    }
  });
};
