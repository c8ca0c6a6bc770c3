import type { SQSEvent } from 'aws-lambda';
import { contextOf, loadLaneHandler } from './run-lane.ts';

// One invocation of the outgoing lane in a process of its own, so that a test can kill it: LANE_EVENT is the batch,
// LANE_MILLISECONDS what the function is told that it may run.
const handler = await loadLaneHandler('outgoing');
const event = JSON.parse(process.env['LANE_EVENT'] ?? '') as SQSEvent;
await handler(event, contextOf(Number(process.env['LANE_MILLISECONDS'])));
