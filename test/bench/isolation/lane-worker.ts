import { startEventSource } from '../../support/lane-event-source.ts';
import { loadLaneHandler } from '../../support/run-lane.ts';
import { deadlyMark, type LaneCapacity } from './lane-capacity.ts';

// A lane's function and its event source in a process of their own, until the parent asks it to end.
const { lane, concurrency, batchSize } = JSON.parse(process.env['LANE_CAPACITY'] ?? '') as LaneCapacity;
const source = startEventSource({
  handler: await loadLaneHandler(lane),
  queueUrl: String(process.env[`${lane.toUpperCase()}_QUEUE_URL`]),
  concurrency,
  batchSize,
  timeoutSeconds: 60,
  isDeadly: (body) => body.includes(deadlyMark),
});
process.once('message', () => {
  // What hangs is not waited for.
  setTimeout(() => process.exit(0), 2_000);
  void source.stop().then(() => process.exit(0));
});
process.send?.('ready');
