import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';

export type LaneHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse | undefined>;

/** The handler of a lane, as Lambda loads it: it reads `process.env`, which must be complete by now. */
export const loadLaneHandler = async (lane: 'incoming' | 'outgoing' | 'operations'): Promise<LaneHandler> => {
  const { handler } = await import(`../../functions/${lane}/handler.ts`);
  return handler as LaneHandler;
};

const contextOf = (milliseconds: number): Context => {
  const endsAt = Date.now() + milliseconds;
  return { awsRequestId: 'test', getRemainingTimeInMillis: () => endsAt - Date.now() } as Context;
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
  const client = new SQSClient({});
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: waitSeconds,
      AttributeNames: ['All'],
    }),
  );
  if (Messages.length === 0) return 0;
  const event = {
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
  const response = await handler(event, contextOf(remainingMilliseconds));
  const failed = new Set(response?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  for (const { MessageId = '', ReceiptHandle } of Messages)
    if (!failed.has(MessageId)) await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
  return Messages.length;
};
