/** What a run leaves for the steps after it: closing sockets, releasing, completing, arming. With less it cannot begin. */
export const endMarginMilliseconds = 12_000;
