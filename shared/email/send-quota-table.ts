import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import { emptySendQuota, type SendPermit, type SendQuota, sendQuotaSchema, takePermit } from './send-quota.ts';

export interface PermitRequest {
  readonly organizationId: string;
  readonly serverProfile: Pick<ServerProfile, 'id' | 'sendLimits'>;
  readonly now: number;
  /** It is one of many that wait in its mailbox. */
  readonly ofMany: boolean;
}

/** Counts what goes out through server profiles that limit it. */
export interface SendQuotas {
  /** Until when nothing may go out; undefined when something may. Counts nothing. */
  look(request: PermitRequest): Promise<number | undefined>;
  /** Counts one email more, or says until when it waits. A run that dies after this has counted one too many. */
  take(request: PermitRequest): Promise<number | undefined>;
}

const attempts = 30;
const keptProfiles = 1_000;
const retryMilliseconds = 1_000;

/** The counts of a profile: one item beside its connection counter, changed by one conditional write for each email. */
export const createSendQuotas = (document: DynamoDBDocumentClient, TableName: string): SendQuotas => {
  // What was counted only grows and fades with time, so what is known here can refuse and never allow too much.
  const known = new Map<string, SendQuota>();
  const keyOf = ({ organizationId, serverProfile }: PermitRequest) => ({
    pk: `${organizationId}#${serverProfile.id}`,
    sk: 'sends',
  });
  const keep = (pk: string, quota: SendQuota): void => {
    if (known.size >= keptProfiles) known.clear();
    known.set(pk, quota);
  };

  const read = async (request: PermitRequest): Promise<SendQuota> => {
    const key = keyOf(request);
    const { Item } = await document.send(new GetCommand({ TableName, Key: key, ConsistentRead: true }));
    const quota = Item === undefined ? emptySendQuota : sendQuotaSchema.parse(Item);
    keep(key.pk, quota);
    return quota;
  };

  /** Undefined when it is written; else what stands there. */
  const write = async (request: PermitRequest, before: SendQuota, next: SendQuota): Promise<SendQuota | undefined> => {
    const key = keyOf(request);
    try {
      await document.send(
        new PutCommand({
          TableName,
          Item: { ...key, v: 1, ...next },
          ConditionExpression: before.revision === 0 ? 'attribute_not_exists(pk)' : 'revision = :before',
          ...(before.revision === 0 ? {} : { ExpressionAttributeValues: { ':before': before.revision } }),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      keep(key.pk, next);
      return undefined;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      const found = error.Item === undefined ? emptySendQuota : sendQuotaSchema.parse(unmarshall(error.Item));
      keep(key.pk, found);
      return found;
    }
  };

  const decide = (quota: SendQuota, { serverProfile, now, ofMany }: PermitRequest): SendPermit =>
    takePermit(quota, serverProfile.sendLimits ?? {}, { now, ofMany });

  return {
    look: async (request) => {
      if (request.serverProfile.sendLimits === null) return undefined;
      const permit = decide(await read(request), request);
      return 'until' in permit ? permit.until : undefined;
    },
    take: async (request) => {
      if (request.serverProfile.sendLimits === null) return undefined;
      let quota = known.get(keyOf(request).pk) ?? (await read(request));
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        const permit = decide(quota, request);
        if ('until' in permit) return permit.until;
        const found = await write(request, quota, permit.taken);
        if (found === undefined) return undefined;
        quota = found;
        await new Promise((resolve) => setTimeout(resolve, 2 ** Math.min(attempt, 6) * Math.random()));
      }
      return request.now + retryMilliseconds;
    },
  };
};
