import { describe, expect, it } from 'vitest';
import { type FunctionName, functionNames } from '../../../cdk/bundling.ts';
import { actionsNeeded } from './aws-calls.ts';
import { grantedActions } from './granted-actions.ts';
import { synthesize } from './synthesize.ts';

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

describe('the AWS calls in the code of a function', () => {
  it.each(functionNames)('are what the role of %s may do', async (name) => {
    const granted = grantedActions(resources, name);
    const refused = [...(await actionsNeeded(name))].filter(([action]) => !granted.includes(action));

    const exceptions = neverCalled[name] ?? [];
    expect(Object.fromEntries(refused.filter(([action]) => !exceptions.includes(action)))).toEqual({});
    // What is granted by now, or has left the code, is an exception no more.
    expect(exceptions.filter((action) => !refused.some(([one]) => one === action))).toEqual([]);
  });

  it('are found where they stand', async () => {
    const needed = await actionsNeeded('watchdog');
    expect(needed.get('dynamodb:Scan')).toEqual(['functions/watchdog/handler.ts']);
    expect(needed.get('sqs:GetQueueAttributes')).toEqual(['shared/platform/lane-queues.ts']);
    expect([...needed.keys()]).not.toContain('sqs:DeleteMessage');
  });
});
