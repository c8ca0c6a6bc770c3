import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFunction } from '../../cdk/bundle-code.ts';
import type { SynchronizedWorkload } from '../../shared/mailbox/mailbox.ts';
import type { Figure, Row } from './support/figure.ts';
import { fillMailbox } from './support/fill-mailbox.ts';
import { whole } from './support/format.ts';
import { type BenchMailbox, type HubWorld, startHubWorld } from './support/hub-world.ts';

const functionMegabytes = 512;
const megabyte = 1024 * 1024;
/** Encoded in Base64 they make a message of just under 50 MB. */
const fileBytes = 17.5 * megabyte;

interface Use {
  readonly startMegabytes: number;
  readonly peakMegabytes: number;
  readonly failed: number;
}

const base64Lines = (bytes: Buffer): string => bytes.toString('base64').replace(/.{76}/g, '$&\r\n');

const largeMessage = (to: string): string => {
  const part = (name: string): string =>
    [
      '--cut',
      `Content-Type: application/octet-stream; name="${name}"`,
      `Content-Disposition: attachment; filename="${name}"`,
      'Content-Transfer-Encoding: base64',
      '',
      base64Lines(randomBytes(fileBytes)),
    ].join('\r\n');
  return [
    'Message-ID: <large@client.example>',
    'Date: Tue, 24 Nov 2026 12:00:00 +0000',
    'From: Carl <carl@client.example>',
    `To: <${to}>`,
    'Subject: Drawings',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=cut',
    '',
    '--cut',
    'Content-Type: text/plain',
    '',
    'Here they are.',
    part('one.bin'),
    part('two.bin'),
    '--cut--',
    '',
  ].join('\r\n');
};

const runLane = async (
  hub: HubWorld,
  directory: string,
  workload: SynchronizedWorkload,
  mailbox: BenchMailbox,
): Promise<Use> => {
  const { file: bundle } = await bundleFunction(workload, join(directory, workload));
  const event = await hub.prepare(workload, [mailbox.mailboxId]);
  const child = fork(join(import.meta.dirname, 'support', 'lane-child.ts'), [], {
    env: { ...process.env, LANE_BUNDLE: bundle, LANE_EVENT: JSON.stringify(event), POWERTOOLS_LOG_LEVEL: 'ERROR' },
    // As Lambda sets it for this memory size.
    execArgv: [`--max-old-space-size=${functionMegabytes - 64}`],
  });
  let use: Use | undefined;
  child.on('message', (message) => {
    use = message as Use;
  });
  const [code] = await once(child, 'exit');
  if (code !== 0 || use === undefined) throw new Error(`The lane ${workload} ended with ${code}`);
  if (use.failed > 0) throw new Error(`The lane ${workload} did not finish`);
  return use;
};

const rowOf = (what: string, { startMegabytes, peakMegabytes }: Use): Row => ({
  what,
  value: `peak ${whole(peakMegabytes)} MB`,
  against: `${whole(startMegabytes)} MB before the first invocation`,
  ratio: `${whole(peakMegabytes - startMegabytes)} MB more`,
  budget: `${functionMegabytes} MB`,
  kept: peakMegabytes <= functionMegabytes,
});

const draftLargeSend = async (hub: HubWorld, from: BenchMailbox, to: BenchMailbox): Promise<void> => {
  const draft = await hub.call('POST', '/emails', {
    from: { owner: `ext:${from.mailUser.address}` },
    to: [{ address: to.mailUser.address }],
    subject: 'Drawings',
    body: { text: 'Here they are.' },
  });
  for (const fileName of ['one.bin', 'two.bin']) {
    const { status, body } = await hub.call('POST', `/emails/${draft.body.id}/attachments`, {
      fileName,
      contentType: 'application/octet-stream',
      sizeBytes: fileBytes,
    });
    if (status >= 300) throw new Error(`A file was answered with ${status}: ${JSON.stringify(body)}`);
    const { url, method, headers } = body.upload;
    await fetch(url, { method, headers, body: randomBytes(fileBytes) });
  }
  const { status, body } = await hub.call('POST', `/emails/${draft.body.id}/send`, {});
  if (status !== 202) throw new Error(`The Send was answered with ${status}: ${JSON.stringify(body)}`);
};

export const memory: Figure = {
  describe: 'memory of a lane that passes a message of 50 MB, in and out',
  measure: async (progress) => {
    const directory = await mkdtemp(join(tmpdir(), 'memory-'));
    const hub = await startHubWorld({
      mailboxes: 2,
      messageSizeLimit: 100 * megabyte,
      settings: { attachments: { maxBytes: 32 * megabyte } },
    });
    try {
      const [one, other] = hub.mailboxes;
      if (one === undefined || other === undefined) throw new Error('Two mailboxes are needed');
      await hub.run('incoming', [one.mailboxId]);
      progress('in');
      await fillMailbox(hub.servers, one.mailUser, [largeMessage(one.mailUser.address)]);
      const received = await runLane(hub, directory, 'incoming', one);
      const { lastCounts } = await hub.cycle(one.mailboxId, 'incoming');
      if (lastCounts?.tracked !== 1) throw new Error(`The message was not tracked: ${JSON.stringify(lastCounts)}`);
      progress('out');
      await draftLargeSend(hub, one, other);
      const sent = await runLane(hub, directory, 'outgoing', one);
      const outcome = (await hub.cycle(one.mailboxId, 'outgoing')).lastCounts;
      if (outcome?.tracked !== 1) throw new Error(`The message was not sent: ${JSON.stringify(outcome)}`);
      return [rowOf('50 MB in, two files stored', received), rowOf('50 MB out, with its Sent copy', sent)];
    } finally {
      await hub.stop();
      await rm(directory, { recursive: true, force: true });
    }
  },
};
