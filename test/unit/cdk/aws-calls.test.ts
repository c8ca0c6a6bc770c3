import { describe, expect, it } from 'vitest';
import { type FunctionName, functionNames } from '../../../cdk/bundling.ts';
import { actionsNeeded } from './aws-calls.ts';
import { actionsOn, grantedActions } from './granted-actions.ts';
import { ofType, synthesize } from './synthesize.ts';

const resources = synthesize();

/** Before a lane seals a token the api has sealed a secret of the organization, and so made the key. */
const keyOfApi = ['kms:GenerateDataKey'];

/** What stands in a bundle and is not called there. */
const neverCalled: Partial<Record<FunctionName, readonly string[]>> = {
  incoming: keyOfApi,
  outgoing: keyOfApi,
  operations: keyOfApi,
  webhooks: keyOfApi,
  // The store comes as a whole, and recovery lists and writes.
  recovery: ['dynamodb:BatchGetItem', 'dynamodb:DeleteItem', 'dynamodb:GetItem'],
};

/** The one module that speaks with the records table; whatever else calls DynamoDB speaks with the cycles table. */
const recordsModule = 'shared/platform/records-table.ts';

const [cyclesTable, recordsTable] = ['Cycles', 'Records'].map(
  (name) => ofType(resources, 'AWS::DynamoDB::Table').find(({ id }) => id.startsWith(`State${name}`))?.id ?? name,
);

/** What stands in a bundle for one of the tables and is not called there. */
const neverCalledOn: Readonly<Record<string, Partial<Record<FunctionName, readonly string[]>>>> = {
  // Of all that controls a cycle the feed takes the wake only.
  cycles: { feed: ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'] },
  // Recovery lists, and changes single fields.
  records: { recovery: ['dynamodb:BatchGetItem', 'dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem'] },
};

describe('the AWS calls in the code of a function', () => {
  it.each(functionNames)('are what the role of %s may do', async (name) => {
    const granted = grantedActions(resources, name);
    const refused = [...(await actionsNeeded(name))].filter(([action]) => !granted.includes(action));

    const exceptions = neverCalled[name] ?? [];
    expect(Object.fromEntries(refused.filter(([action]) => !exceptions.includes(action)))).toEqual({});
    // What is granted by now, or has left the code, is an exception no more.
    expect(exceptions.filter((action) => !refused.some(([one]) => one === action))).toEqual([]);
  });

  it.each(functionNames)('are what the role of %s may do on the table that they go to', async (name) => {
    const needed = [...(await actionsNeeded(name))].filter(([action]) => action.startsWith('dynamodb:'));
    for (const [table, id, isCaller] of [
      ['cycles', cyclesTable, (path: string) => path !== recordsModule],
      ['records', recordsTable, (path: string) => path === recordsModule],
    ] as const) {
      const granted = actionsOn(resources, name, id ?? table);
      const refused = needed.filter(([action, paths]) => paths.some(isCaller) && !granted.includes(action));
      expect(refused.map(([action]) => action).toSorted()).toEqual(neverCalledOn[table]?.[name] ?? []);
    }
  });

  it('are found where they stand', async () => {
    const needed = await actionsNeeded('watchdog');
    expect(needed.get('dynamodb:Scan')).toEqual(['functions/watchdog/handler.ts']);
    expect(needed.get('sqs:GetQueueAttributes')).toEqual(['shared/platform/lane-queues.ts']);
    expect([...needed.keys()]).not.toContain('sqs:DeleteMessage');
  });
});
