import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import type { GuardedProcess } from './guarded-process.ts';
import { lastLines } from './guarded-process.ts';

// Below the range from which the kernel takes ports of outgoing connections (32768 and up): a port found free there
// could be taken by a client before its server listens on it.
const lowest = 12_000;
const highest = 32_000;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

const reserved = new Set<number>();

/**
 * Keeps every other process that asks here from choosing the port, until this one ends: time passes before its server
 * listens, in which somebody else would find it free. What holds it is a UDP socket on the same number, which is in
 * nobody's way and which the system closes however this process ends.
 */
const reserve = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    if (reserved.has(port)) return resolve(false);
    const holder = createSocket('udp4');
    holder.once('error', () => resolve(false));
    holder.bind({ port, address: '127.0.0.1', exclusive: true }, () => {
      holder.unref();
      reserved.add(port);
      resolve(true);
    });
  });

/**
 * The port that the environment variable names, if it names one.
 * @throws Error when it is set to something that is no port, or to one that is taken.
 */
export const requireFreePort = async (variable: string): Promise<number | undefined> => {
  const given = process.env[variable];
  if (given === undefined || given === '') return undefined;
  const port = Number(given);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`${variable}=${given} is not a port number.`);
  if (!(await isFree(port)))
    throw new Error(
      `${variable}=${given}: that port is taken or not allowed. End what listens there, choose another, or leave ${variable} unset for a free one.`,
    );
  return port;
};

/**
 * The port that the environment variable names, else a free one on the loopback address, `preferred` if that is free.
 * Nobody who asks here is given the same one while this process runs.
 * @throws Error as `requireFreePort` does, and when no free one is found.
 */
export const choosePort = async (variable?: string, preferred?: number): Promise<number> => {
  const given = variable === undefined ? undefined : await requireFreePort(variable);
  if (given !== undefined) return given;
  const candidates = Array.from({ length: 50 }, () => randomInt(lowest, highest));
  // Reserved first: whoever has it reserved may begin to listen at any moment.
  for (const port of preferred === undefined ? candidates : [preferred, ...candidates])
    if ((await reserve(port)) && (await isFree(port))) return port;
  throw new Error(`Of the ports from ${lowest} to ${highest} none was found free.`);
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/**
 * Waits until the process listens on all ports.
 * @throws Error with the end of its log when it ends before, or is not there in time, which a busy machine is given.
 */
export const waitForPorts = async (owner: GuardedProcess, ports: readonly number[], seconds = 90): Promise<void> => {
  const deadline = Date.now() + seconds * 1000;
  for (const port of ports) {
    while (!(await accepts(port))) {
      if (owner.hasEnded() || Date.now() > deadline) {
        const what = owner.hasEnded() ? 'ended at its start' : `did not listen on port ${port} within ${seconds} s`;
        throw new Error(`${owner.name} ${what}. The end of ${owner.logFile}:\n${await lastLines(owner.logFile)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
};
