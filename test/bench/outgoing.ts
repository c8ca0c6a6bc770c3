import { Readable } from 'node:stream';
import { createDialler } from '../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../shared/transport/host-policy.ts';
import { openSmtpSession } from '../../shared/transport/smtp/open-smtp-session.ts';
import type { Figure } from './support/figure.ts';
import { decimals, median, times, whole } from './support/format.ts';
import { type HubWorld, startHubWorld } from './support/hub-world.ts';
import { textMessage } from './support/messages.ts';
import { runProgram } from './support/run-program.ts';
import { StageClock } from './support/stage-clock.ts';

const messages = 2_000;
const messageBytes = 2_048;
const sends = 100;
const rounds = 3;

/** All messages over one session, one after the other; returns seconds. */
const sendAll = async ({ servers }: HubWorld): Promise<number> => {
  const { mx, users } = servers.environment;
  const to = users[0]?.address ?? '';
  const contents = Array.from({ length: messages }, () => Buffer.from(textMessage(to, messageBytes)));
  const dialler = createDialler(createHostPolicy(['127.0.0.0/8']));
  const target = { ...mx, security: 'none' as const, caCertificates: null, timeoutSeconds: 60 };
  const began = performance.now();
  const session = await openSmtpSession(target, { authentication: 'none' }, dialler, {
    deadline: Date.now() + 600_000,
  });
  for (const content of contents) {
    const { recipients } = await session.send(
      {
        from: 'bench@client.example',
        recipients: [to],
        sizeBytes: content.length,
        eightBit: false,
        internationalHeader: false,
        envelopeId: undefined,
        deliveryReceipt: false,
      },
      { onHanding: async () => undefined, open: async () => Readable.from([content], { objectMode: false }) },
    );
    if (recipients[0]?.result !== 'accepted') throw new Error(`The server did not accept: ${recipients[0]?.answer}`);
  }
  await session.close();
  return (performance.now() - began) / 1000;
};

/** The same number and size by Postfix's own load generator, which also uses one session. */
const generate = ({ servers }: HubWorld): Promise<number> => {
  const { mx, users } = servers.environment;
  const options = ['-d', '-s', '1', '-m', String(messages), '-l', String(messageBytes)];
  return runProgram(
    'smtp-source',
    [...options, '-f', 'bench@client.example', '-t', users[0]?.address ?? '', `${mx.host}:${mx.port}`],
    { debianPackage: 'postfix' },
  );
};

/** Sends through the api, the lane and the servers, with their copies. */
const sendInCycles = async (hub: HubWorld) => {
  const [from, to] = hub.mailboxes;
  if (from === undefined || to === undefined) throw new Error('Two mailboxes are needed');
  const accepting = performance.now();
  for (let number = 0; number < sends; number += 1) {
    const { status } = await hub.call('POST', '/emails', {
      from: { owner: `ext:${from.mailUser.address}` },
      to: [{ address: to.mailUser.address }],
      subject: `Offer ${number}`,
      body: { text: 'As we said.\n'.repeat(150) },
      send: true,
    });
    if (status !== 202) throw new Error(`A Send was answered with ${status}`);
  }
  const acceptSeconds = (performance.now() - accepting) / 1000;
  const clock = new StageClock();
  const began = performance.now();
  for (let backlog = sends; backlog > 0; ) {
    await hub.run('outgoing', [from.mailboxId]);
    backlog = (await hub.cycle(from.mailboxId, 'outgoing')).backlog ?? 0;
  }
  return { acceptSeconds, seconds: (performance.now() - began) / 1000, stages: clock.stop() };
};

export const outgoing: Figure = {
  describe: `${whole(messages)} messages to Postfix, against smtp-source`,
  measure: async (progress) => {
    const hub = await startHubWorld({ mailboxes: 2 });
    try {
      const ours: number[] = [];
      const theirs: number[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        progress(`round ${round} of ${rounds}`);
        theirs.push(await generate(hub));
        ours.push(await sendAll(hub));
      }
      progress('whole cycles on the emulator');
      const cycles = await sendInCycles(hub);
      return [
        {
          what: 'handed over, one session',
          value: `${whole(messages / median(ours))}/s`,
          against: `smtp-source ${whole(messages / median(theirs))}/s`,
          ratio: times(median(ours.map((seconds, round) => (theirs[round] ?? 0) / seconds))),
        },
        {
          what: `whole cycles with Sent copies, ${sends} Sends, state on the emulator`,
          value: `${decimals(sends / cycles.seconds, 1)}/s`,
          against: cycles.stages
            .map(({ name, share, calls }) => `${name} ${whole(share * 100)} % (${whole(calls)} calls)`)
            .join(', '),
        },
        { what: 'accepted by the api, one after the other', value: `${decimals(sends / cycles.acceptSeconds, 1)}/s` },
      ];
    } finally {
      await hub.stop();
    }
  },
};
