import type { World } from './world.ts';
import { watchdogPeriodSeconds } from './world.ts';

/** Without any sign of life for so long, whoever runs waits for the clock. */
const silenceMilliseconds = 600;
const silenceOfHungMilliseconds = 60;
/** While functions wait the clock goes on in such steps. */
const waitingStepMilliseconds = 5_000;
const lookMilliseconds = 60;

/** Lets the world run, its clock set forward whenever there is nothing to do but wait, until `isDone` says so. */
export const runWorld = async (world: World, isDone: () => boolean, isBusy: () => boolean): Promise<void> => {
  const { clock, lanes, timers, stream, invoker, mailProxy, pulse } = world;
  let watchdogAt = clock.now() + watchdogPeriodSeconds * 1000;
  const jump = (instant: number): void => {
    clock.jumpTo(instant);
    invoker.followClock();
    mailProxy.tick();
    pulse.stir();
  };
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.wakeDue();
    await timers.fireDue();
    await lanes.drain();
    await stream.poll();
    lanes.dispatch();
    if (clock.now() >= watchdogAt) {
      watchdogAt = clock.now() + watchdogPeriodSeconds * 1000;
      if (invoker.count('watchdog') === 0) void invoker.invoke('watchdog', {});
    }
    if (isDone()) return;
    if (lanes.hasUnread) continue;
    const next = Math.max(
      clock.now() + 1,
      Math.min(lanes.nextVisibleAt(), timers.nextAt(), watchdogAt, clock.nextWake()),
    );
    if (invoker.count() > 0) {
      await pulse.wait(lookMilliseconds);
      const patience = invoker.hangs ? silenceOfHungMilliseconds : silenceMilliseconds;
      if (invoker.count() === 0 || pulse.silence <= patience) continue;
      // On a busy machine it may just not have come to its turn.
      await invoker.waits();
      if (invoker.count() > 0 && pulse.silence > patience) jump(Math.min(next, clock.now() + waitingStepMilliseconds));
      continue;
    }
    if (isBusy()) {
      await pulse.wait(lookMilliseconds);
      continue;
    }
    if (stream.hasUnread) await pulse.wait(stream.pause);
    else jump(next);
  }
};
