import * as z from 'zod';
import { cycleCountsSchema } from '../cycle/cycle.ts';
import { workloadSchema } from './mailbox.ts';
import { mailboxScheduleSchema } from './mailbox-schedule.ts';

const workloadDiagnosticsSchema = workloadSchema
  .pick({ method: true, state: true, mode: true, testStands: true, lastTest: true, disabledBy: true })
  .extend({ fault: z.string().nullable() });

const cycleDiagnosticsSchema = z.object({
  workload: z.enum(['incoming', 'outgoing']),
  enabled: z.boolean(),
  generation: z.int(),
  due: z.string().nullable(),
  waitsUntil: z.string().nullable(),
  wakes: z.int(),
  probing: z.boolean(),
  consecutiveFailures: z.int(),
  credentialRefusals: z.int(),
  idleCycles: z.int(),
  /** Deaths of runs on the item that the careful run is at. */
  markerAttempts: z.int().nullable(),
  folders: z.array(
    z.object({
      /** A name for the folder that says nothing of its own name. */
      folder: z.string(),
      uidValidity: z.string(),
      reading: z.int(),
      lastUid: z.int(),
      knownUpTo: z.int(),
      uidNext: z.int().nullable(),
      resets: z.int(),
      withheldRuns: z.int(),
    }),
  ),
});

/** What support needs to see of a mailbox: no address, no subject, no secret, and nothing that people wrote. */
export const diagnosticsSchema = z
  .object({
    mailboxId: z.string(),
    generatedAt: z.string(),
    hubVersion: z.string(),
    organization: z.object({
      status: z.string(),
      kind: z.string(),
      channel: z.string(),
      settingsVersion: z.int(),
      schedule: z.record(z.string(), z.unknown()),
      recovery: z.record(z.string(), z.unknown()),
    }),
    mailbox: z.object({
      kind: z.string(),
      version: z.int(),
      approval: z.string(),
      retired: z.boolean(),
      hasAddress: z.boolean(),
      hasUsername: z.boolean(),
      passwordSetAt: z.string().nullable(),
      oauth: z.string(),
      processEmailFrom: z.string().nullable(),
      incomingSince: z.string().nullable(),
      folderRules: z.array(z.object({ status: z.string() })),
      workloads: z.object({
        incoming: workloadDiagnosticsSchema,
        outgoing: workloadDiagnosticsSchema,
        act: workloadDiagnosticsSchema,
      }),
    }),
    serverProfile: z
      .object({
        id: z.string(),
        version: z.int(),
        kind: z.string(),
        status: z.string(),
        incoming: z.object({ protocol: z.string(), host: z.string(), port: z.int(), security: z.string() }),
        outgoing: z.object({ protocol: z.string(), host: z.string(), port: z.int(), security: z.string() }),
        credentials: z.object({ source: z.string(), authentication: z.string() }),
        maxConnections: z.int(),
        openConnections: z.int(),
        timeoutSeconds: z.int(),
        minPollingMinutes: z.int(),
        pausedUntil: z.string().nullable(),
        fault: z.string().nullable(),
      })
      .nullable(),
    schedule: mailboxScheduleSchema,
    cycles: z.array(cycleDiagnosticsSchema),
    log: z.array(
      z.object({
        at: z.string(),
        workload: z.string(),
        outcome: z.string(),
        reason: z.string(),
        seconds: z.number(),
        counts: cycleCountsSchema.nullable(),
        fault: z.string().nullable(),
        consecutiveFailures: z.int(),
        nextReason: z.string(),
      }),
    ),
    alerts: z.array(
      z.object({
        id: z.string(),
        code: z.string(),
        level: z.string(),
        scope: z.string(),
        count: z.int(),
        firstAt: z.string(),
        lastAt: z.string(),
        status: z.string(),
      }),
    ),
    decisions: z.array(
      z.object({
        id: z.string(),
        decidedAt: z.string(),
        receivedAt: z.string(),
        outcome: z.string(),
        code: z.string().nullable(),
        steps: z.array(z.object({ step: z.string(), result: z.string() })),
      }),
    ),
    deadLetters: z.array(
      z.object({
        id: z.string(),
        kind: z.string(),
        code: z.string(),
        attempts: z.int(),
        sizeBytes: z.int(),
        firstAt: z.string(),
        status: z.string(),
      }),
    ),
  })
  .meta({ id: 'MailboxDiagnostics' });
export type Diagnostics = z.output<typeof diagnosticsSchema>;
