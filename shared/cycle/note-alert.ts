import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { CycleName } from './cycle-key.ts';
import { cycleKey } from './cycle-key.ts';

/** Has the next success of a cycle clear the alerts of its mailbox. A cycle that is gone has nothing to clear. */
export const noteAlert = async (
  document: DynamoDBDocumentClient,
  TableName: string,
  { organizationId, mailboxId, workload }: CycleName,
): Promise<void> => {
  try {
    await document.send(
      new UpdateCommand({
        TableName,
        Key: cycleKey(organizationId, mailboxId, workload),
        UpdateExpression: 'SET alerted = :true',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':true': true },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
};
