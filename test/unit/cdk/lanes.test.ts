import { describe, expect, it } from 'vitest';
import { leaseMarginMilliseconds } from '../../../shared/throttle/lease-margin.ts';
import { list, ofType, property, referenceIn, synthesize, withProperty } from './synthesize.ts';

const resources = synthesize();
const queueOf = (name: string) => withProperty(resources, 'AWS::SQS::Queue', 'QueueName', name);
const functionOf = (name: string) =>
  withProperty(resources, 'AWS::Lambda::Function', 'FunctionName', `mailbox-sync-${name}`);
const eventSources = ofType(resources, 'AWS::Lambda::EventSourceMapping');
const eventSourceOf = (queueId: string | undefined) =>
  eventSources.find((eventSource) => referenceIn(eventSource, 'EventSourceArn') === queueId);

describe.each([
  ['incoming', 120, 10],
  ['outgoing', 120, 10],
  ['operations', 300, 10],
  // One endpoint that hangs would hold up the others of its batch.
  ['webhooks', 60, 1],
])('the lane %s', (name, timeoutSeconds, batchSize) => {
  const queue = queueOf(`mailbox-sync-${name}.fifo`);
  const deadLetters = queueOf(`mailbox-sync-${name}-dead-letters.fifo`);
  const lane = functionOf(name);
  const eventSource = eventSourceOf(queue?.id);

  it('delivers a message 50 times before it is given up, to its own dead-letter queue', () => {
    expect(property(queue, 'RedrivePolicy')).toEqual({
      deadLetterTargetArn: { 'Fn::GetAtt': [deadLetters?.id, 'Arn'] },
      maxReceiveCount: 50,
    });
  });

  it('gives no message out again while the function may still work on it', () => {
    expect(property(lane, 'Timeout')).toBe(timeoutSeconds);
    expect(property(queue, 'VisibilityTimeout')).toBe(timeoutSeconds + 30);
    expect(property(lane, 'Environment.Variables')).toMatchObject({
      LANE_TIMEOUT_SECONDS: String(timeoutSeconds),
      LANE_VISIBILITY_SECONDS: String(timeoutSeconds + 30),
    });
  });

  it('gives the message of a run that died out again once the place of that run is over', () => {
    const margin = Number(property(queue, 'VisibilityTimeout')) - Number(property(lane, 'Timeout'));

    expect(margin * 1000).toBeGreaterThan(leaseMarginMilliseconds);
  });

  it('keeps order per mailbox, in high-throughput mode, and recognises repeats by their content', () => {
    expect(queue?.properties).toMatchObject({
      FifoQueue: true,
      ContentBasedDeduplication: true,
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
    });
  });

  it(`takes ${batchSize} at a time, gives single ones back, and has a concurrency limit of its own`, () => {
    expect(referenceIn(eventSource, 'FunctionName')).toBe(lane?.id);
    expect(eventSource?.properties).toMatchObject({
      BatchSize: batchSize,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: expect.any(Number) },
    });
  });

  it('may feed its own queue', () => {
    expect(property(lane, 'RecursiveLoop')).toBe('Allow');
  });

  it('has its dead letters reported', () => {
    expect(referenceIn(eventSourceOf(deadLetters?.id), 'FunctionName')).toBe(functionOf('dead-letters')?.id);
  });
});

describe('the event sources', () => {
  it('never give a message out again before the function that has it must have ended', () => {
    const readers = ofType(resources, 'AWS::SQS::Queue').map((queue) => ({
      visibility: Number(property(queue, 'VisibilityTimeout')),
      reader: referenceIn(eventSourceOf(queue.id), 'FunctionName'),
    }));
    expect(readers).toHaveLength(9);
    for (const { visibility, reader } of readers) {
      const timeout = Number(
        property(
          resources.find(({ id }) => id === reader),
          'Timeout',
        ),
      );
      expect(visibility).toBeGreaterThan(timeout);
    }
  });

  it('read the stream in order, never give a record up, and take only what tells the feed something', () => {
    const stream = eventSources.find((eventSource) => property(eventSource, 'TumblingWindowInSeconds') !== undefined);
    expect(referenceIn(stream, 'FunctionName')).toBe(functionOf('feed')?.id);
    expect(stream?.properties).toMatchObject({ ParallelizationFactor: 1, StartingPosition: 'TRIM_HORIZON' });
    expect(list(stream, 'FilterCriteria.Filters')).toEqual([
      { Pattern: JSON.stringify({ dynamodb: { NewImage: { published: { S: ['yes'] } } } }) },
    ]);
    for (const limit of ['MaximumRetryAttempts', 'MaximumRecordAgeInSeconds', 'BisectBatchOnFunctionError'])
      expect(stream?.properties).not.toHaveProperty(limit);
  });
});

describe('the functions', () => {
  const functions = ofType(resources, 'AWS::Lambda::Function');

  it('run on Node 24 on arm64, without reserved concurrency, which small accounts refuse', () => {
    expect(functions).toHaveLength(10);
    for (const { properties } of functions) {
      expect(properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
      expect(properties).not.toHaveProperty('ReservedConcurrentExecutions');
    }
  });

  it('log to a group of their own that forgets after a month', () => {
    const groups = functions.map((lambda) =>
      resources.find(({ id }) => id === referenceIn(lambda, 'LoggingConfig.LogGroup')),
    );
    expect(new Set(groups).size).toBe(functions.length);
    for (const group of groups) expect(property(group, 'RetentionInDays')).toBe(30);
  });

  it.each([60, 300])('end a round of the watchdog before the next begins, %i s later', (watchdogPeriodSeconds) => {
    const watchdog = withProperty(
      synthesize({ watchdogPeriodSeconds }),
      'AWS::Lambda::Function',
      'FunctionName',
      'mailbox-sync-watchdog',
    );
    expect(Number(property(watchdog, 'Timeout'))).toBeLessThan(watchdogPeriodSeconds);
  });

  it('leave out a round of the watchdog that finds no place soon, and do not gather rounds to start them together', () => {
    const watchdog = withProperty(resources, 'AWS::Lambda::Function', 'FunctionName', 'mailbox-sync-watchdog');
    const [asynchronous] = ofType(resources, 'AWS::Lambda::EventInvokeConfig').filter(
      (one) => referenceIn(one, 'FunctionName') === watchdog?.id,
    );

    expect(property(asynchronous, 'MaximumRetryAttempts')).toBe(0);
    const begunAt = Number(property(asynchronous, 'MaximumEventAgeInSeconds'));
    expect(begunAt).toBeGreaterThanOrEqual(60);
    expect(begunAt + Number(property(watchdog, 'Timeout'))).toBeLessThanOrEqual(300);
  });
});
