import { createFault, type Fault } from '../../platform/fault.ts';
import { answerOf, refusalCode } from './classify-smtp-error.ts';
import type { RecipientReport } from './smtp-session.ts';

/** What the server has answered in one mail transaction, and how far the client came. */
export interface Transaction {
  readonly recipients: readonly string[];
  /** The answers as they came: to MAIL, to each RCPT, to DATA, to the end of the message. */
  readonly replies: readonly string[];
  /** The end of the message was given to the connection, so the server may have all of it. */
  readonly completed: boolean;
}

type Judgement = Omit<RecipientReport, 'address'>;

const codeOf = (reply: string | undefined): number | undefined => {
  const [digits] = /^\d{3}/.exec(reply ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
};

const untried: Judgement = { result: 'untried', fault: undefined, answer: undefined };

const refused = (step: 'sender' | 'recipient' | 'message', replyCode: number, reply: string): Judgement => {
  const answer = answerOf({ response: reply, message: '' });
  const fault: Fault = createFault(refusalCode(step, replyCode, reply), { detail: `The server answered: ${answer}` });
  return { result: replyCode < 500 ? 'deferred' : 'rejected', fault, answer };
};

const unconfirmed: Judgement = {
  result: 'unconfirmed',
  fault: createFault('deliveryUnconfirmed'),
  answer: undefined,
};

/** Decides about one step; undefined when the step was passed. A 421 ends the session and decides nothing. */
const judgeStep = (step: 'sender' | 'recipient' | 'message', reply: string | undefined): Judgement | 'passed' => {
  const code = codeOf(reply);
  if (reply === undefined || code === undefined || code === 421) return untried;
  return code < 400 ? 'passed' : refused(step, code, reply);
};

const judgeMessage = (data: string | undefined, end: string | undefined, completed: boolean): Judgement => {
  const command = judgeStep('message', data);
  if (command !== 'passed') return command;
  const code = codeOf(end);
  // Whatever code it is, an answer to the end of the message says that the server does not keep it.
  if (end !== undefined && code !== undefined && code >= 400) return refused('message', code, end);
  if (code !== undefined && completed)
    return { result: 'accepted', fault: undefined, answer: answerOf({ response: end, message: '' }) };
  return completed || code !== undefined ? unconfirmed : untried;
};

/** What the answers mean for each recipient. Pure: reply codes decide, never words. */
export const judgeReplies = (transaction: Transaction): RecipientReport[] => {
  const { recipients, replies, completed } = transaction;
  const sender = judgeStep('sender', replies[0]);
  const message = judgeMessage(replies[recipients.length + 1], replies[recipients.length + 2], completed);
  return recipients.map((address, index) => {
    if (sender !== 'passed') return { address, ...sender };
    const recipient = judgeStep('recipient', replies[index + 1]);
    return { address, ...(recipient === 'passed' ? message : recipient) };
  });
};
