import type { HostAnswer, HostRequest } from './host-messages.ts';
import { shiftClock } from './shifted-clock.ts';
import { bindSourceAddress } from './source-address.ts';

// The process of one function, as Lambda runs it: one invocation at a time, warm in between. FAULT_CODE is the bundle.
const clock = shiftClock();
bindSourceAddress(process.env['FAULT_SOURCE_ADDRESS'] ?? '');
const answer = (message: HostAnswer): void => void process.send?.(message);
const { handler } = await import(process.env['FAULT_CODE'] ?? '');

const invoke = async (event: unknown, remainingMilliseconds: number): Promise<void> => {
  const endsAt = Date.now() + remainingMilliseconds;
  const context = { awsRequestId: `request-${process.pid}`, getRemainingTimeInMillis: () => endsAt - Date.now() };
  try {
    answer({ type: 'result', value: await handler(event, context) });
  } catch (error) {
    answer({ type: 'thrown', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
};

process.on('message', (request: HostRequest) => {
  if (request.type === 'areYouWaiting') {
    // What has arrived by now goes first.
    setImmediate(() => answer({ type: 'waiting' }));
    return;
  }
  clock.set(request.aheadMilliseconds);
  if (request.type === 'invoke') void invoke(request.event, request.remainingMilliseconds);
});
// Without its harness it has nothing to do.
process.on('disconnect', () => process.exit());
answer({ type: 'ready' });
