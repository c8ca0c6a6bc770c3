import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { decodeFeedCursor } from '../feed/feed-cursor.ts';
import type { Webhook } from './webhook.ts';
import {
  type WebhookProgress,
  type WebhookReplay,
  type WebhookState,
  webhookStateKey,
  webhookStateSchema,
} from './webhook-state.ts';

/** The run is over: the webhook was changed, or another run has taken it. Nothing was written. */
export class WebhookFenceError extends Error {
  constructor() {
    super('The webhook has moved on');
    this.name = 'WebhookFenceError';
  }
}

/** The states of the webhooks. Every write of a run is fenced by the run's own name. */
export interface WebhookStates {
  /** Strongly consistent. */
  read(organizationId: string, webhookId: string): Promise<WebhookState | undefined>;
  /**
   * Makes the state follow the webhook; nothing happens when it does already. A changed webhook is tried anew: a run
   * under way loses its fence, and the endpoint all its failed attempts.
   */
  align(organizationId: string, webhook: Webhook, now: Date): Promise<WebhookState>;
  /** Takes the webhook for a run; undefined when another run has it. */
  begin(state: WebhookState, runId: string, until: number, now: Date): Promise<WebhookState | undefined>;
  /** @throws WebhookFenceError */
  save(state: WebhookState, progress: WebhookProgress, options: { readonly end: boolean }): Promise<void>;
  /** False when another range is being sent again. */
  startReplay(organizationId: string, webhookId: string, replay: WebhookReplay): Promise<boolean>;
  remove(organizationId: string, webhookId: string): Promise<void>;
}

export const createWebhookStates = (document: DynamoDBDocumentClient, TableName: string): WebhookStates => {
  /** Undefined when the condition did not hold. */
  const update = async (
    organizationId: string,
    webhookId: string,
    change: Omit<UpdateCommandInput, 'TableName' | 'Key'>,
  ): Promise<WebhookState | undefined> => {
    try {
      const { Attributes } = await document.send(
        new UpdateCommand({
          TableName,
          Key: webhookStateKey(organizationId, webhookId),
          ReturnValues: 'ALL_NEW',
          ...change,
        }),
      );
      return webhookStateSchema.parse(Attributes);
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  };

  const read: WebhookStates['read'] = async (organizationId, webhookId) => {
    const { Item } = await document.send(
      new GetCommand({ TableName, Key: webhookStateKey(organizationId, webhookId), ConsistentRead: true }),
    );
    return Item === undefined ? undefined : webhookStateSchema.parse(Item);
  };

  const create = async (organizationId: string, webhook: Webhook, now: Date): Promise<boolean> => {
    const cursor = decodeFeedCursor(webhook.startCursor) ?? { epoch: '0', sequence: 0 };
    const state: WebhookState = {
      v: 1,
      organizationId,
      webhookId: webhook.id,
      enabled: webhook.status === 'enabled',
      version: webhook.version,
      ...cursor,
      attempts: 0,
      due: null,
      fault: null,
      lastSuccessAt: null,
      resumedAt: now.getTime(),
      replay: null,
    };
    try {
      await document.send(
        new PutCommand({
          TableName,
          Item: { ...webhookStateKey(organizationId, webhook.id), ...state },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  };

  return {
    read,
    align: async (organizationId, webhook, now) => {
      await create(organizationId, webhook, now);
      await update(organizationId, webhook.id, {
        UpdateExpression:
          'SET enabled = :enabled, #version = :version, attempts = :none, due = :nothing, ' +
          'fault = :nothing, resumedAt = :now REMOVE runId, runUntil',
        ConditionExpression: 'attribute_exists(pk) AND #version < :version',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: {
          ':enabled': webhook.status === 'enabled',
          ':version': webhook.version,
          ':none': 0,
          ':nothing': null,
          ':now': now.getTime(),
        },
      });
      const state = await read(organizationId, webhook.id);
      if (state === undefined) throw new WebhookFenceError();
      return state;
    },
    begin: ({ organizationId, webhookId, version }, runId, until, now) =>
      update(organizationId, webhookId, {
        UpdateExpression: 'SET runId = :run, runUntil = :until',
        ConditionExpression: '#version = :version AND (attribute_not_exists(runId) OR runUntil < :now)',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':run': runId, ':until': until, ':version': version, ':now': now.getTime() },
      }),
    save: async (state, progress, { end }) => {
      const names = Object.keys(progress) as (keyof WebhookProgress)[];
      const saved = await update(state.organizationId, state.webhookId, {
        UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}${end ? ' REMOVE runId, runUntil' : ''}`,
        ConditionExpression: 'runId = :run',
        ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: {
          ':run': state.runId,
          ...Object.fromEntries(names.map((name) => [`:${name}`, progress[name]])),
        },
      });
      if (saved === undefined) throw new WebhookFenceError();
    },
    startReplay: async (organizationId, webhookId, replay) => {
      const started = await update(organizationId, webhookId, {
        // The run under way would put its own view back. What failed so far was at another event.
        UpdateExpression: 'SET replay = :replay, attempts = :none REMOVE runId, runUntil',
        ConditionExpression: 'attribute_exists(pk) AND replay = :nothing',
        ExpressionAttributeValues: { ':replay': replay, ':nothing': null, ':none': 0 },
      });
      return started !== undefined;
    },
    remove: async (organizationId, webhookId) => {
      await document.send(new DeleteCommand({ TableName, Key: webhookStateKey(organizationId, webhookId) }));
    },
  };
};
