import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';

/**
 * What the watchdog knows of a mailbox whose owner is being deleted: an item of the cycles table, key
 * pk = `<organization>#<mailbox>`, sk = `retirement`.
 */
export const retirementSchema = z.object({
  v: z.literal(1),
  organizationId: z.string(),
  mailboxId: z.string(),
  ownerType: z.enum(['user', 'queue', 'team']),
  /** Epoch milliseconds at which every run of the mailbox has ended. */
  due: z.number(),
});
export type Retirement = z.output<typeof retirementSchema>;

export const retirementSortKey = 'retirement';

/** Puts the mailboxes of owners that are being deleted under the eyes of the watchdog. Both calls can be repeated. */
export interface RetirementWatch {
  begin(retirement: Omit<Retirement, 'v'>): Promise<void>;
  /** A deletion that was begun anew meanwhile, with a later `due`, stays under its eyes. */
  end(retirement: Retirement): Promise<void>;
}

export const createRetirementWatch = (document: DynamoDBDocumentClient, TableName: string): RetirementWatch => {
  const keyOf = ({ organizationId, mailboxId }: Pick<Retirement, 'organizationId' | 'mailboxId'>) => ({
    pk: `${organizationId}#${mailboxId}`,
    sk: retirementSortKey,
  });
  return {
    begin: async (retirement) => {
      await document.send(new PutCommand({ TableName, Item: { ...keyOf(retirement), v: 1, ...retirement } }));
    },
    end: async (retirement) => {
      const condition = { ConditionExpression: 'due = :due', ExpressionAttributeValues: { ':due': retirement.due } };
      try {
        await document.send(new DeleteCommand({ TableName, Key: keyOf(retirement), ...condition }));
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
};
