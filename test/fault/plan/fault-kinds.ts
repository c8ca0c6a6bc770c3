import type { Channel, Moment, Step } from './step.ts';

interface KindOfFault {
  readonly channels: readonly Channel[];
  readonly moments: readonly Moment[];
  /** Only steps with such a name [all]. */
  readonly names?: RegExp;
  /** How often a random plan takes it, against the others. */
  readonly weight: number;
}

const mail: readonly Channel[] = ['imap', 'smtp'];
const any: readonly Moment[] = ['before', 'during', 'after'];

/** Every kind of fault, and at which steps it can strike. */
export const faultKinds = {
  /** The process is killed. */
  killed: { channels: ['aws', 'imap', 'smtp'], moments: any, weight: 110 },

  throttled: { channels: ['aws'], moments: ['before'], weight: 6 },
  failedInside: { channels: ['aws'], moments: ['before'], weight: 4 },
  /** The connection breaks off before the call had its effect, and after. */
  requestLost: { channels: ['aws'], moments: ['before'], weight: 4 },
  answerLost: { channels: ['aws'], moments: ['after'], weight: 8 },
  /** No answer ever comes: the function runs into its time limit. */
  neverAnswered: { channels: ['aws'], moments: ['before', 'after'], weight: 4 },

  /** Taken and dropped, as an equal message of the last five minutes is. */
  swallowed: { channels: ['aws'], moments: ['before'], names: /^SendMessage/, weight: 3 },

  hangs: { channels: mail, moments: any, weight: 6 },
  dripFeeds: { channels: mail, moments: ['after'], weight: 3 },
  closes: { channels: mail, moments: any, weight: 8 },
  breaksTls: { channels: mail, moments: ['before'], names: /^tls$/, weight: 2 },
  saysGoodbye: { channels: mail, moments: ['before'], names: /^(?!connect|tls)/, weight: 4 },
  refuses: { channels: mail, moments: ['before'], names: /^(?!connect|tls|greeting)/, weight: 4 },
  limitsLogins: { channels: mail, moments: ['before'], names: /^(AUTH|LOGIN)/, weight: 3 },
  hasNoSpace: { channels: mail, moments: ['before'], names: /^(APPEND|MAIL)/, weight: 2 },
  talksGarbage: { channels: mail, moments: ['after'], names: /^(?!connect|tls)/, weight: 4 },
  sendsEndlessLine: { channels: mail, moments: ['after'], names: /^(?!connect|tls)/, weight: 1 },
  sendsEndlessLiteral: { channels: ['imap'], moments: ['after'], names: /FETCH|STATUS|SEARCH/, weight: 1 },
  changesIdentity: { channels: ['imap'], moments: ['before'], names: /^STATUS/, weight: 3 },
  changesIdentityEachTime: { channels: ['imap'], moments: ['before'], names: /^STATUS/, weight: 1 },
  forgetsNumbers: { channels: ['imap'], moments: ['before'], names: /^STATUS/, weight: 1 },
  serverDies: { channels: ['imap'], moments: ['during', 'after'], names: /FETCH|STATUS|APPEND/, weight: 0.5 },

  /** Of messages of a lane's queue. */
  deliveredTwice: { channels: ['delivery'], moments: ['before'], weight: 8 },
  deliveredLate: { channels: ['delivery'], moments: ['before'], weight: 5 },
  deliveredAgainLater: { channels: ['delivery'], moments: ['after'], weight: 8 },
  /** Processed only once a later message of its group has been. */
  deliveredAfterSuccessor: { channels: ['delivery'], moments: ['before'], weight: 5 },
  /** Received so often without an end that the queue gives it up. */
  givenUp: { channels: ['delivery'], moments: ['before'], weight: 3 },
  cutShort: { channels: ['delivery'], moments: ['before'], names: /^(incoming|outgoing)/, weight: 4 },
  clockSkewed: { channels: ['delivery'], moments: ['before'], weight: 6 },

  timerLost: { channels: ['timer'], moments: ['before'], weight: 4 },
  timerTwice: { channels: ['timer'], moments: ['before'], weight: 4 },
  timerLate: { channels: ['timer'], moments: ['before'], weight: 4 },

  streamRepeated: { channels: ['stream'], moments: ['before'], weight: 6 },
  streamRaced: { channels: ['stream'], moments: ['before'], weight: 6 },
} as const satisfies Record<string, KindOfFault>;

export type FaultKind = keyof typeof faultKinds;

export const allFaultKinds = Object.keys(faultKinds) as readonly FaultKind[];

/** Whether a fault of this kind can strike at this step. */
export const canStrike = (kind: FaultKind, step: Step): boolean => {
  const { channels, moments, names }: KindOfFault = faultKinds[kind];
  return channels.includes(step.channel) && moments.includes(step.moment) && (names?.test(step.name) ?? true);
};
