import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildMessage, ordinaryHeaders } from '../../corpus/messages.ts';
import { eventually } from '../../support/eventually.ts';
import type { MailUser } from '../../support/mail-servers.ts';
import { loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { fillInbox } from './fill-inbox.ts';
import { type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

const messages = 100_000;
const youngMessages = 4_000;
const oldDay = new Date('2024-05-01T10:00:00Z');
const youngDay = new Date('2026-01-01T10:00:00Z');

const messagesPerCycle = 200;
/** After as many calls of a function by itself, over its own queue, Lambda stops it where that is not allowed. */
const hopsThatLambdaStops = 16;

let world: IncomingWorld;
let large: MailUser;
let small: MailUser;

const messageOf = (subject: string): string =>
  buildMessage(ordinaryHeaders({ Subject: subject, 'Message-ID': `<${subject}@client.example>` })).toString('latin1');

beforeAll(async () => {
  world = await startIncomingWorld();
  [large, small] = [world.mailUser(1), world.mailUser(2)];
  const old = { receivedAt: oldDay, messageOf: (number: number) => messageOf(`old-${number}`) };
  const young = { receivedAt: youngDay, messageOf: (number: number) => messageOf(`young-${number}`) };
  await fillInbox(world.servers, small, [{ ...old, count: 3 }]);
  await fillInbox(world.servers, large, [
    { ...old, count: messages - youngMessages, copies: 20_000 },
    { ...young, count: youngMessages },
  ]);
});

afterAll(async () => {
  await world?.stop();
});

/** What Dovecot counted in a user's last session: bytes of commands and of answers, headers and bodies read. */
const readLastSession = (user: MailUser, sessions: number) =>
  eventually(
    async () => {
      const log = await readFile(world.servers.dovecot.logFile, 'utf8');
      const ends = log.split('\n').filter((line) => line.includes(`imap(${user.username})`) && line.includes(' in='));
      if (ends.length < sessions) return undefined;
      const count = (name: string): number => Number(new RegExp(` ${name}=(\\d+)`).exec(ends.at(-1) ?? '')?.[1]);
      return {
        commands: count('in'),
        answers: count('out'),
        headers: count('hdr_count'),
        bodies: count('body_count'),
      };
    },
    { what: `${sessions} sessions of ${user.username} in Dovecot's log` },
  );

describe('an Inbox of 100,000 messages', () => {
  it('costs no more than one of three when its mail is to be tracked from now on', async () => {
    const organization = await world.createOrganization();
    const few = await organization.user(small);
    const many = await organization.user(large);

    await organization.synchronize(few.mailboxId);
    const { cursors } = await organization.synchronize(many.mailboxId);

    expect(cursors['INBOX']?.lastUid).toBe(messages);
    // The first session of each was that of the one who put the mail there.
    const [ofFew, ofMany] = [await readLastSession(small, 2), await readLastSession(large, 2)];
    // Numbers with more digits, and nothing else.
    expect(ofMany.commands - ofFew.commands).toBeLessThan(50);
    expect(ofMany.answers - ofFew.answers).toBeLessThan(200);
    expect(ofMany).toMatchObject({ headers: 0, bodies: 0 });
    expect(await organization.decisions(many.mailboxId)).toEqual([]);
  });

  it('is read slice by slice, in a chain of any length, where mail since a day is to be tracked', async () => {
    const organization = await world.createOrganization();
    await organization.settings({ limits: { cycle: { maxMessages: messagesPerCycle } } });
    const { mailboxId } = await organization.user(
      large,
      { filtering: 'responses' },
      { processEmailFrom: '2025-06-01T00:00:00.000Z' },
    );
    const handler = await loadLaneHandler('incoming');
    const queueUrl = String(process.env['INCOMING_QUEUE_URL']);
    const reachedUid = async (): Promise<number> =>
      (await organization.cycle(mailboxId)).cursors['INBOX']?.lastUid ?? 0;

    let slices = 0;
    for (let reached = 0; reached < messages; slices += 1) {
      await runLaneBatch(handler, queueUrl);
      reached = await reachedUid();
    }

    expect(slices).toBe(youngMessages / messagesPerCycle);
    expect(slices).toBeGreaterThan(hopsThatLambdaStops);
    const decisions = await organization.decisions(mailboxId);
    expect(decisions).toHaveLength(youngMessages);
    expect(decisions.every(({ code }) => code === 'filteredResponses')).toBe(true);
  }, 240_000);
});
