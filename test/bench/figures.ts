import { api } from './api.ts';
import { coldStart } from './cold-start.ts';
import { cost } from './cost.ts';
import { cycles, cyclesOnDynamoDbLocal } from './cycles.ts';
import { decision } from './decision.ts';
import { incoming } from './incoming.ts';
import { isolation } from './isolation.ts';
import { memory } from './memory.ts';
import { outgoing } from './outgoing.ts';
import { pop3 } from './pop3.ts';
import { scale } from './scale.ts';
import { dynamoDbLocalDirectory } from './support/dynamodb-local.ts';
import type { Figure } from './support/figure.ts';

/** Every figure by its name, in the order in which they are measured. */
export const figures: Readonly<Record<string, Figure>> = {
  coldStart,
  memory,
  cost,
  decision,
  incoming,
  cycles,
  ...(dynamoDbLocalDirectory() === undefined ? {} : { cyclesOnDynamoDbLocal }),
  pop3,
  outgoing,
  api,
  isolation,
  scale,
};
