import * as z from 'zod';
import { seconds } from './seconds.ts';

export const schedule = z.object({
  retry: z
    .object({
      attempts: z.int().min(1).max(100).default(10).meta({
        description: 'Failed cycles in a row before a workload is disabled.',
      }),
      seconds: seconds(5, 86_400, 300, 'Seconds from a failed cycle to the next.'),
    })
    .prefault({}),
  incoming: z
    .object({
      policy: z.enum(['current', 'adaptive2018', 'idle2013']).default('current').meta({
        description:
          'current: a fixed interval. adaptive2018: 2 to 12 minutes by activity. idle2013: 15 minutes, longer when idle.',
      }),
      seconds: seconds(60, 86_400, 300, 'Seconds from the end of a cycle to the next, with the policy current.'),
    })
    .prefault({}),
  // A Send wakes its lane, so that no code waits for this; callers who set every interval at once find it here.
  outgoing: z
    .object({
      seconds: seconds(
        60,
        86_400,
        300,
        'Without effect: a Send is taken up at once, and one that waits comes when its wait is over.',
      ),
    })
    .prefault({}),
  jitterPercent: z.int().min(0).max(100).default(10).meta({
    description: 'Up to this share is added to each interval, so that mailboxes spread out.',
  }),
});

export const recovery = z.object({
  enabled: z.boolean().default(true).meta({
    description: 'A workload that errors disabled is probed and comes back by itself.',
  }),
  probeSeconds: seconds(60, 604_800, 3600, 'Seconds between two probes.'),
});
