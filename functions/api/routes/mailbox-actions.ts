import * as z from 'zod';
import { decideApproval, disableWorkloads, enableWorkloads } from '../../../shared/mailbox/mailbox-actions.ts';
import { testRequestSchema, workloadListSchema } from '../../../shared/mailbox/mailbox-input.ts';
import { mailboxAnswerSchema, presentMailbox } from '../../../shared/mailbox/present-mailbox.ts';
import { joinSynchronize } from '../../../shared/mailbox/start-synchronize.ts';
import { startTest } from '../../../shared/mailbox/start-test.ts';
import { operationAnswerSchema, presentOperation } from '../../../shared/operation/present-operation.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { answerOperation, answerResource } from '../answers.ts';
import { mailboxContextOf, mailboxPathSchema, resolveMailboxId } from '../mailbox-request.ts';
import { ownershipOf } from '../ownership.ts';
import { defineRoute, noParameters, type OrganizationContext, type Route, writersAndUsers } from '../route.ts';

const common = { method: 'POST', tag: 'Mailboxes', pathSchema: mailboxPathSchema, querySchema: noParameters } as const;
const approvers = ['admin', 'user'] as const;
const writers = ['admin', 'crm'] as const;
const notReady = ['ownerInactive', 'channelIsEmailRouter', 'invalidState'];
const namedWorkloads = z.strictObject({ workloads: workloadListSchema });

/** Of one's own address, which `resolveMailboxId` has made sure of. @throws FaultError forbidden */
const requireApprover = ({ caller, organization }: OrganizationContext<unknown, unknown, unknown>): void => {
  if (ownershipOf(caller) !== undefined && organization.settings.approval.selfApproveNeedsAdmin)
    throw new FaultError('forbidden', { detail: 'Only administrators approve addresses here' });
};

export const mailboxActionsRoutes: readonly Route[] = [
  defineRoute({
    ...common,
    path: '/mailboxes/{mailboxId}/approve',
    summary: 'Approves the address of a mailbox',
    access: approvers,
    answers: { 200: mailboxAnswerSchema },
    problems: ['invalidState'],
    bodySchema: z.strictObject({}),
    handle: async (context) => {
      const mailboxId = await resolveMailboxId(context);
      requireApprover(context);
      const mailbox = await decideApproval(mailboxContextOf(context), mailboxId, 'approved', context.ifMatch);
      return answerResource(presentMailbox(mailbox));
    },
  }),
  defineRoute({
    ...common,
    path: '/mailboxes/{mailboxId}/reject',
    summary: 'Rejects the address of a mailbox, and disables what runs',
    access: approvers,
    answers: { 200: mailboxAnswerSchema },
    problems: ['invalidState'],
    bodySchema: z.strictObject({}),
    handle: async (context) => {
      const mailboxId = await resolveMailboxId(context);
      requireApprover(context);
      const mailbox = await decideApproval(mailboxContextOf(context), mailboxId, 'rejected', context.ifMatch);
      return answerResource(presentMailbox(mailbox));
    },
  }),
  defineRoute({
    ...common,
    path: '/mailboxes/{mailboxId}/test-and-enable',
    summary: 'Tests workloads on their servers step by step, and enables those that pass',
    access: writers,
    answers: { 202: operationAnswerSchema },
    problems: [...notReady, 'approvalRequired', 'testRunning', 'mailboxAlreadyMapped', 'notSupported'],
    bodySchema: testRequestSchema,
    handle: async (context) => {
      const { body, ifMatch } = context;
      const mailboxId = await resolveMailboxId(context);
      const options = { ifMatch, operationId: context.identifierFor('opn') };
      return answerOperation(presentOperation(await startTest(mailboxContextOf(context), mailboxId, body, options)));
    },
  }),
  defineRoute({
    ...common,
    path: '/mailboxes/{mailboxId}/enable',
    summary: 'Enables workloads whose last test still stands',
    access: writers,
    answers: { 200: mailboxAnswerSchema },
    problems: [...notReady, 'approvalRequired', 'testRequired', 'testRunning', 'notSupported'],
    bodySchema: namedWorkloads,
    handle: async (context) => {
      const { body, ifMatch } = context;
      const mailboxId = await resolveMailboxId(context);
      const mailbox = await enableWorkloads(mailboxContextOf(context), mailboxId, body.workloads, ifMatch);
      return answerResource(presentMailbox(mailbox));
    },
  }),
  defineRoute({
    ...common,
    path: '/mailboxes/{mailboxId}/disable',
    summary: 'Disables workloads; a cycle that runs is fenced off',
    access: writers,
    answers: { 200: mailboxAnswerSchema },
    problems: ['invalidState', 'notSupported'],
    bodySchema: namedWorkloads,
    handle: async (context) => {
      const { body, ifMatch } = context;
      const mailboxId = await resolveMailboxId(context);
      const mailbox = await disableWorkloads(mailboxContextOf(context), mailboxId, body.workloads, ifMatch);
      return answerResource(presentMailbox(mailbox));
    },
  }),
  defineRoute({
    ...common,
    path: '/mailboxes/{mailboxId}/sync',
    summary: 'Lets the next cycle begin at once; done when a cycle begun after the request has completed',
    access: writersAndUsers,
    answers: { 202: operationAnswerSchema },
    problems: [...notReady, 'workloadNotEnabled'],
    bodySchema: z.strictObject({ workloads: workloadListSchema.optional() }),
    handle: async (context) => {
      const { services, body, ifMatch } = context;
      const mailboxId = await resolveMailboxId(context);
      const options = { ifMatch, operationId: context.identifierFor('opn') };
      const operation = await joinSynchronize(
        mailboxContextOf(context),
        services.throttle,
        mailboxId,
        body.workloads,
        options,
      );
      return answerOperation(presentOperation(operation));
    },
  }),
];
