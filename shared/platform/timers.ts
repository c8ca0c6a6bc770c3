import {
  ConflictException,
  CreateScheduleCommand,
  DeleteScheduleCommand,
  ResourceNotFoundException,
  type SchedulerClient,
} from '@aws-sdk/client-scheduler';

/** One-shot timers that put a message into a FIFO queue. */
export interface Timers {
  /** Arms a timer; a timer of this name that already stands is left as it is. `at`: epoch milliseconds, in the future. */
  arm(timer: {
    readonly name: string;
    readonly at: number;
    readonly lane: string;
    readonly group: string;
    readonly body: unknown;
  }): Promise<void>;
  /** Takes a timer back; nothing happens when there is none, or when it is just firing. */
  disarm(name: string): Promise<void>;
}

/** Rounds up to whole seconds, since `at()` knows no fractions and a timer must not come early. */
export const atExpression = (milliseconds: number): string =>
  `at(${new Date(Math.ceil(milliseconds / 1000) * 1000).toISOString().slice(0, 19)})`;

export const createTimers = (
  client: SchedulerClient,
  options: {
    readonly groupName: string;
    readonly roleArn: string;
    readonly deadLetterArn: string;
    readonly queueArns: Readonly<Record<string, string>>;
  },
): Timers => ({
  arm: async ({ name, at, lane, group, body }) => {
    const queueArn = options.queueArns[lane];
    if (queueArn === undefined) throw new Error(`This function arms no timers of the lane ${lane}`);
    try {
      await client.send(
        new CreateScheduleCommand({
          Name: name,
          GroupName: options.groupName,
          ScheduleExpression: atExpression(at),
          ScheduleExpressionTimezone: 'UTC',
          FlexibleTimeWindow: { Mode: 'OFF' },
          ActionAfterCompletion: 'DELETE',
          Target: {
            Arn: queueArn,
            RoleArn: options.roleArn,
            Input: JSON.stringify(body),
            SqsParameters: { MessageGroupId: group },
            DeadLetterConfig: { Arn: options.deadLetterArn },
            RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 20 },
          },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConflictException)) throw error;
    }
  },
  disarm: async (name) => {
    try {
      await client.send(new DeleteScheduleCommand({ Name: name, GroupName: options.groupName }));
    } catch (error) {
      // A conflict: it fires or is being removed at this moment, and whoever gets its message takes it for stale.
      if (!(error instanceof ResourceNotFoundException || error instanceof ConflictException)) throw error;
    }
  },
});
