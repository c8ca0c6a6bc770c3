import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { keepUnknownFields } from '../platform/keep-unknown-fields.ts';
import type { Cycle } from './cycle.ts';
import { cycleKey } from './cycle-key.ts';

/** Puts a cycle in the place of the one that was read (as `rememberStored` has it); false when that has moved on. */
export const replaceCycle = async (
  document: DynamoDBDocumentClient,
  TableName: string,
  before: Cycle,
  next: Cycle,
): Promise<boolean> => {
  const { organizationId, mailboxId, workload } = next;
  try {
    await document.send(
      new PutCommand({
        TableName,
        Item: { ...keepUnknownFields(before, next), ...cycleKey(organizationId, mailboxId, workload) },
        ConditionExpression: 'generation = :generation',
        ExpressionAttributeValues: { ':generation': before.generation },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
};
