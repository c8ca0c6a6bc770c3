import { createSchedulerClient } from '../../shared/platform/aws-clients.ts';
import { readConfiguration } from '../../shared/platform/configuration.ts';
import { createTimers } from '../../shared/platform/timers.ts';

/** The timers of the lanes that run by them; no other function may arm one. */
export const createLaneTimers = () => {
  const environment = readConfiguration([
    'INCOMING_QUEUE_ARN',
    'OUTGOING_QUEUE_ARN',
    'OPERATIONS_QUEUE_ARN',
    'SCHEDULE_GROUP',
    'SCHEDULER_ROLE_ARN',
    'SCHEDULER_DEAD_LETTER_ARN',
  ]);
  return createTimers(createSchedulerClient(), {
    groupName: environment.SCHEDULE_GROUP,
    roleArn: environment.SCHEDULER_ROLE_ARN,
    deadLetterArn: environment.SCHEDULER_DEAD_LETTER_ARN,
    queueArns: {
      incoming: environment.INCOMING_QUEUE_ARN,
      outgoing: environment.OUTGOING_QUEUE_ARN,
      operations: environment.OPERATIONS_QUEUE_ARN,
    },
  });
};
