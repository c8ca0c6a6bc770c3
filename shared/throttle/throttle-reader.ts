import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Fault } from '../platform/fault.ts';
import {
  pauseAttributes,
  type ThrottleKey,
  type ThrottleLine,
  throttleItemSchema,
  throttleSides,
} from './throttle-item.ts';

export interface ThrottleState {
  /** Leases that have not expired. */
  readonly openConnections: number;
  /** Who holds them: `<mailbox>+<lane>`. */
  readonly holders: ReadonlySet<string>;
  /** Until when those wait who found no place, to read and to send (epoch milliseconds); the past: nobody waits. */
  readonly lines: Readonly<Record<ThrottleLine, number>>;
  /** While a server of the profile is paused: until when (epoch milliseconds), and why. */
  readonly paused: { readonly until: number; readonly fault: Fault | undefined } | undefined;
}

/** What the API shows of a profile's connections. */
export interface ThrottleReader {
  read(organizationId: string, serverProfileId: string): Promise<ThrottleState>;
  /** Until when those wait who found no place in this counter (epoch milliseconds); the past: nobody waits. */
  readLine(key: ThrottleKey): Promise<number>;
}

export const createThrottleReader = (deps: {
  readonly document: DynamoDBDocumentClient;
  readonly tableName: string;
  readonly now: () => Date;
}): ThrottleReader => {
  const read = async (organizationId: string, serverProfileId: string): Promise<ThrottleState> => {
    const { Items = [] } = await deps.document.send(
      new QueryCommand({
        TableName: deps.tableName,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': `${organizationId}#${serverProfileId}`, ':prefix': 'throttle#' },
      }),
    );
    const now = deps.now().getTime();
    const items = Items.map((item) => throttleItemSchema.parse(item));
    const paused = items
      .flatMap((item) => throttleSides.map((side) => ({ item, names: pauseAttributes[side] })))
      .find(({ item, names }) => (item[names.failures] ?? 0) > 0 && item[names.until] !== undefined);
    const live = items.flatMap((item) => Object.entries(item.leases)).filter(([, [expiry]]) => expiry > now);
    return {
      openConnections: live.length,
      lines: {
        q: Math.max(0, ...items.map(({ q }) => q)),
        sendingQ: Math.max(0, ...items.map(({ sendingQ = 0 }) => sendingQ)),
      },
      holders: new Set(live.map(([holder]) => holder)),
      paused:
        paused === undefined
          ? undefined
          : { until: paused.item[paused.names.until] ?? now, fault: paused.item[paused.names.fault] },
    };
  };
  const readLine = async (key: ThrottleKey): Promise<number> => {
    const { Item } = await deps.document.send(new GetCommand({ TableName: deps.tableName, Key: { ...key } }));
    return Item === undefined ? 0 : throttleItemSchema.parse(Item).q;
  };
  return { read, readLine };
};
