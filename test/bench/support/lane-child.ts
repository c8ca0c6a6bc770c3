import type { SQSEvent } from 'aws-lambda';
import { contextOf, type LaneHandler } from '../../support/run-lane.ts';

// One invocation of a bundled lane in a process of its own: tells the parent the most memory that it ever had.
const { handler } = (await import(process.env['LANE_BUNDLE'] ?? '')) as { handler: LaneHandler };
const atStart = process.resourceUsage().maxRSS;
const answer = await handler(JSON.parse(process.env['LANE_EVENT'] ?? '') as SQSEvent, contextOf(120_000));
process.send?.({
  startMegabytes: atStart / 1024,
  peakMegabytes: process.resourceUsage().maxRSS / 1024,
  failed: answer?.batchItemFailures.length ?? 0,
});
process.disconnect?.();
