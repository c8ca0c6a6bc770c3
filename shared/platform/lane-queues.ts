import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

/** Sends to the FIFO queues of the lanes. */
export interface LaneQueues {
  /**
   * `group`: what is to run one after the other (the mailbox). `deduplicationId`: equal for repeats of one intended
   * delivery, different for every other.
   */
  send(lane: string, group: string, deduplicationId: string, body: unknown): Promise<void>;
  /** Gives a received message back, to be delivered again after the delay (0 to 43,200 s). */
  pushBack(lane: string, receiptHandle: string, seconds: number): Promise<void>;
  /** Deletes a received message whose work is done. */
  acknowledge(lane: string, receiptHandle: string): Promise<void>;
  /** About how many messages wait. */
  countWaiting(lane: string): Promise<number>;
}

// SQS takes 128 characters of letters, digits and punctuation as deduplication identifier.
const deduplicationLimit = 128;

export const createLaneQueues = (client: SQSClient, urls: Readonly<Record<string, string>>): LaneQueues => {
  const urlOf = (lane: string): string => {
    const url = urls[lane];
    if (url === undefined) throw new Error(`This function has no queue for the lane ${lane}`);
    return url;
  };
  return {
    send: async (lane, group, deduplicationId, body) => {
      await client.send(
        new SendMessageCommand({
          QueueUrl: urlOf(lane),
          MessageGroupId: group,
          MessageDeduplicationId: deduplicationId.slice(0, deduplicationLimit),
          MessageBody: JSON.stringify(body),
        }),
      );
    },
    pushBack: async (lane, ReceiptHandle, seconds) => {
      await client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: urlOf(lane),
          ReceiptHandle,
          VisibilityTimeout: Math.min(43_200, Math.max(0, Math.ceil(seconds))),
        }),
      );
    },
    acknowledge: async (lane, ReceiptHandle) => {
      await client.send(new DeleteMessageCommand({ QueueUrl: urlOf(lane), ReceiptHandle }));
    },
    countWaiting: async (lane) => {
      const { Attributes } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl: urlOf(lane), AttributeNames: ['ApproximateNumberOfMessages'] }),
      );
      return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
    },
  };
};
