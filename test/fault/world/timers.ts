import { DeleteScheduleCommand, ListSchedulesCommand, type SchedulerClient } from '@aws-sdk/client-scheduler';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { FaultPlan } from '../plan/fault-plan.ts';
import type { AwsCall } from '../proxy/aws-call.ts';
import type { Lane } from './lanes.ts';
import type { WorldClock } from './world-clock.ts';

interface Timer {
  readonly name: string;
  at: number;
  readonly lane: Lane;
  readonly group: string;
  readonly input: string;
}

interface ScheduleBody {
  readonly ScheduleExpression: string;
  readonly Target: {
    readonly Arn: string;
    readonly Input: string;
    readonly SqsParameters: { readonly MessageGroupId: string };
  };
}

export interface TimersOptions {
  readonly scheduler: SchedulerClient;
  readonly queues: SQSClient;
  readonly urls: Readonly<Record<Lane, string>>;
  readonly groupName: string;
  readonly clock: WorldClock;
  readonly plan: () => FaultPlan;
  readonly onSend: (lane: Lane) => void;
  readonly onDouble: (lane: Lane, group: string, body: string) => void;
}

const lateMilliseconds = 240_000;

/** Fires the schedules of the emulator when the world's clock has come to them. */
export class Timers {
  readonly #options: TimersOptions;
  readonly #timers = new Map<string, Timer>();

  constructor(options: TimersOptions) {
    this.#options = options;
  }

  /** Names of those that stand. */
  names(): ReadonlySet<string> {
    return new Set(this.#timers.keys());
  }

  /** A schedule was made or removed by a function. */
  note(call: AwsCall): void {
    const name = call.path.split('?')[0]?.split('/')[2] ?? '';
    if (call.name === 'DeleteSchedule') this.#timers.delete(name);
    if (call.name !== 'CreateSchedule') return;
    const { ScheduleExpression, Target } = call.body as unknown as ScheduleBody;
    this.#timers.set(name, {
      name,
      at: Date.parse(`${ScheduleExpression.slice(3, -1)}Z`),
      lane: /-(incoming|outgoing)\.fifo$/.exec(Target.Arn)?.[1] as Lane,
      group: Target.SqsParameters.MessageGroupId,
      input: Target.Input,
    });
  }

  nextAt(): number {
    return Math.min(...[...this.#timers.values()].map(({ at }) => at), Number.POSITIVE_INFINITY);
  }

  async fireDue(): Promise<void> {
    const { clock, plan } = this.#options;
    for (const timer of [...this.#timers.values()].filter(({ at }) => at <= clock.now())) {
      const step = { function: timer.lane, channel: 'timer', name: timer.lane, moment: 'before' } as const;
      const fault = plan().decide(step);
      if (fault === 'timerLate') {
        timer.at = clock.now() + lateMilliseconds;
        continue;
      }
      await this.#remove(timer.name);
      if (fault !== 'timerLost') await this.#send(timer);
      if (fault === 'timerTwice') this.#options.onDouble(timer.lane, timer.group, timer.input);
    }
  }

  /** Removes every timer, those included that the emulator keeps and nobody noted. */
  async clear(): Promise<void> {
    const { scheduler, groupName } = this.#options;
    const { Schedules = [] } = await scheduler.send(new ListSchedulesCommand({ GroupName: groupName }));
    for (const { Name = '' } of Schedules) await this.#remove(Name);
    this.#timers.clear();
  }

  async #remove(name: string): Promise<void> {
    this.#timers.delete(name);
    const { scheduler, groupName } = this.#options;
    await scheduler.send(new DeleteScheduleCommand({ Name: name, GroupName: groupName })).catch(() => undefined);
  }

  async #send({ lane, group, input }: Timer): Promise<void> {
    const { queues, urls, onSend } = this.#options;
    await queues.send(new SendMessageCommand({ QueueUrl: urls[lane], MessageGroupId: group, MessageBody: input }));
    onSend(lane);
  }
}
