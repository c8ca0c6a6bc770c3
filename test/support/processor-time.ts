/**
 * Milliseconds of processor time that the work takes: what else keeps the machine busy does not count, so that a limit tells
 * work that grows out of proportion from a slow moment.
 */
export const processorTimeOf = (work: () => void): number => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};
