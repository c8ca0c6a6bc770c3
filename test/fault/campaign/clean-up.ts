import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import { scanTable } from '../invariants/observation.ts';
import type { World } from '../world/world.ts';

/** Belongs to no run: the operator's key, which later runs need. */
const isShared = (pk: unknown): boolean => String(pk).startsWith('deployment#');

const emptyTable = async (world: World, table: string): Promise<void> => {
  const keys = (await scanTable(world, table)).filter(({ pk }) => !isShared(pk)).map(({ pk, sk }) => ({ pk, sk }));
  for (let start = 0; start < keys.length; start += 25)
    await world.document.send(
      new BatchWriteCommand({
        RequestItems: { [table]: keys.slice(start, start + 25).map((Key) => ({ DeleteRequest: { Key } })) },
      }),
    );
};

/** Leaves nothing of a run that the next one could meet. */
export const cleanUp = async (world: World): Promise<void> => {
  world.invoker.killAll();
  world.clock.forgetSleepers();
  await world.timers.clear();
  await emptyTable(world, world.cyclesTable);
  await emptyTable(world, world.recordsTable);
  await world.stream.settle();
  await world.lanes.drain();
  world.lanes.clear();
  world.mailProxy.reset();
};
