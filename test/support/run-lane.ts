import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';

export type LaneHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse | undefined>;

/** The handler of a lane, as Lambda loads it: it reads `process.env`, which must be complete by now. */
export const loadLaneHandler = async (
  lane: 'incoming' | 'outgoing' | 'operations' | 'webhooks',
): Promise<LaneHandler> => {
  const { handler } = await import(`../../functions/${lane}/handler.ts`);
  return handler as LaneHandler;
};

/** What a function is told of its own invocation when it may run for so long. */
export const contextOf = (milliseconds: number): Context => {
  const endsAt = Date.now() + milliseconds;
  return { awsRequestId: 'test', getRemainingTimeInMillis: () => endsAt - Date.now() } as Context;
};

/** Takes one batch out of a lane's queue, as the event source hands it to the function; undefined when there is none. */
export const receiveLaneEvent = async (queueUrl: string, waitSeconds = 0, most = 10): Promise<SQSEvent | undefined> => {
  const { Messages = [] } = await new SQSClient({}).send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: most,
      WaitTimeSeconds: waitSeconds,
      AttributeNames: ['All'],
    }),
  );
  if (Messages.length === 0) return undefined;
  return {
    Records: Messages.map((message) => ({
      messageId: message.MessageId ?? '',
      receiptHandle: message.ReceiptHandle ?? '',
      body: message.Body ?? '',
      attributes: message.Attributes ?? {},
      messageAttributes: {},
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: '',
      awsRegion: 'us-east-1',
    })),
  } as unknown as SQSEvent;
};

/**
 * Deletes what the function does not report as failed, as the event source does when an invocation ends. In one request:
 * what the function has acknowledged itself is refused by the emulator, and must not keep the rest from being deleted.
 */
export const deleteProcessed = async (
  queueUrl: string,
  { Records }: SQSEvent,
  response: SQSBatchResponse | undefined,
): Promise<void> => {
  const failed = new Set(response?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  const done = Records.filter(({ messageId }) => !failed.has(messageId));
  if (done.length === 0) return;
  await new SQSClient({}).send(
    new DeleteMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: done.map(({ messageId, receiptHandle }) => ({ Id: messageId, ReceiptHandle: receiptHandle })),
    }),
  );
};

/**
 * Takes one batch out of a lane's queue and has the handler process it, as the event source does: what it does not
 * report as failed is deleted. Returns how many messages the batch had.
 */
export const runLaneBatch = async (
  handler: LaneHandler,
  queueUrl: string,
  { remainingMilliseconds = 60_000, waitSeconds = 0 } = {},
): Promise<number> => {
  const event = await receiveLaneEvent(queueUrl, waitSeconds);
  if (event === undefined) return 0;
  const response = await handler(event, contextOf(remainingMilliseconds));
  await deleteProcessed(queueUrl, event, response);
  return event.Records.length;
};
