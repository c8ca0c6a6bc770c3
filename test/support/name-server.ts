import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { type Answer, decode, encode, type Packet } from 'dns-packet';

/** Whatever a name stands for, by type: `{'example.test': {A: ['127.0.0.1']}}`. */
export type Zone = Readonly<
  Record<
    string,
    {
      readonly A?: readonly string[];
      readonly MX?: readonly string[];
      readonly SRV?: readonly {
        readonly target: string;
        readonly port: number;
        readonly priority?: number;
        readonly weight?: number;
      }[];
    }
  >
>;

export interface NameServer {
  /** `address:port` */
  readonly address: string;
  /** Names that were asked for, as `SRV _imaps._tcp.example.test`. */
  readonly questions: readonly string[];
  readonly stop: () => Promise<void>;
}

const authoritative = 0x0400;
const noSuchName = 3;

const answersFor = (zone: Zone, type: string, name: string): readonly Answer[] => {
  const records = zone[name.toLowerCase()];
  if (type === 'A') return (records?.A ?? []).map((data) => ({ type, name, ttl: 1, data }));
  if (type === 'MX')
    return (records?.MX ?? []).map((exchange, index) => ({
      type,
      name,
      ttl: 1,
      data: { preference: index, exchange },
    }));
  if (type === 'SRV')
    return (records?.SRV ?? []).map(({ target, port, priority = 0, weight = 0 }) => ({
      type,
      name,
      ttl: 1,
      data: { target, port, priority, weight },
    }));
  return [];
};

/** An authoritative name server on loopback for this zone and nothing else. */
export const startNameServer = async (zone: Zone): Promise<NameServer> => {
  const socket = createSocket('udp4');
  const questions: string[] = [];
  socket.on('message', (message, from) => {
    const query: Packet = decode(message);
    const [question] = query.questions ?? [];
    if (question === undefined) return;
    questions.push(`${question.type} ${question.name}`);
    const answers = answersFor(zone, question.type, question.name);
    const known = Object.hasOwn(zone, question.name.toLowerCase());
    const flags = authoritative | (known ? 0 : noSuchName);
    const answer: Packet = { type: 'response', id: query.id ?? 0, flags, questions: [question], answers: [...answers] };
    socket.send(encode(answer), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    questions,
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  };
};
