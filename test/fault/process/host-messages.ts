/** What the harness tells the process of a function. */
export type HostRequest =
  | {
      readonly type: 'invoke';
      readonly event: unknown;
      /** Until the function is stopped. */
      readonly remainingMilliseconds: number;
      /** How far the process's clock is ahead of the machine's. */
      readonly aheadMilliseconds: number;
    }
  | { readonly type: 'clock'; readonly aheadMilliseconds: number }
  /** Answered when nothing else is to be done. */
  | { readonly type: 'areYouWaiting' };

/** What the process answers. */
export type HostAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'waiting' }
  | { readonly type: 'result'; readonly value: unknown }
  | { readonly type: 'thrown'; readonly error: string };
