import * as z from 'zod';
import { folderRuleAnswerSchema, presentFolderRule } from '../../../shared/folder-rule/folder-rule.ts';
import { folderRuleInputSchema, folderRulePatchSchema } from '../../../shared/folder-rule/folder-rule-input.ts';
import {
  createFolderRule,
  listFolderRules,
  removeFolderRule,
  requireFolderRule,
  updateFolderRule,
} from '../../../shared/folder-rule/manage-folder-rules.ts';
import { answerCreated, answerNothing, answerResource } from '../answers.ts';
import { mailboxPathSchema, resolveMailboxId } from '../mailbox-request.ts';
import { listFound, pageQueryShape, pageSchema } from '../page.ts';
import {
  defineRoute,
  noParameters,
  type OrganizationContext,
  type Route,
  rolesAndUsers,
  writersAndUsers,
} from '../route.ts';

const tag = 'Mailboxes';
const path = '/mailboxes/{mailboxId}/folder-rules';
const rulePathSchema = z.strictObject({ ...mailboxPathSchema.shape, ruleId: z.string().max(50) });

const contextOf = ({ services, organization, author }: OrganizationContext<unknown, unknown, unknown>) => ({
  ...services,
  organization,
  author,
});

export const folderRulesRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path,
    summary: 'Lists the folders of a mailbox whose mail is tracked',
    tag,
    access: rolesAndUsers,
    answers: { 200: pageSchema(folderRuleAnswerSchema) },
    pathSchema: mailboxPathSchema,
    querySchema: z.strictObject(pageQueryShape),
    bodySchema: null,
    handle: async (context) => {
      const { services, organization, query } = context;
      const mailboxId = await resolveMailboxId(context);
      const rules = await listFolderRules(contextOf(context), mailboxId);
      return {
        status: 200,
        body: listFound({
          kind: { kind: 'folderRule' },
          organizationId: organization.id,
          found: rules.toReversed(),
          query,
          filters: { mailboxId },
          present: presentFolderRule,
          now: services.now(),
        }),
      };
    },
  }),
  defineRoute({
    method: 'POST',
    path,
    summary: 'Has the mail in a folder tracked',
    tag,
    access: writersAndUsers,
    answers: { 201: folderRuleAnswerSchema },
    problems: ['folderRuleLimit', 'notSupported', 'invalidState', 'unavailable'],
    pathSchema: mailboxPathSchema,
    querySchema: noParameters,
    bodySchema: folderRuleInputSchema,
    handle: async (context) => {
      const mailboxId = await resolveMailboxId(context);
      const rule = await createFolderRule(contextOf(context), mailboxId, context.identifierFor('frl'), context.body);
      return answerCreated(`/mailboxes/${mailboxId}/folder-rules/${rule.id}`, presentFolderRule(rule));
    },
  }),
  defineRoute({
    method: 'GET',
    path: `${path}/{ruleId}`,
    summary: 'Reads a folder rule',
    tag,
    access: rolesAndUsers,
    answers: { 200: folderRuleAnswerSchema },
    pathSchema: rulePathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const rules = await listFolderRules(contextOf(context), await resolveMailboxId(context));
      return answerResource(presentFolderRule(requireFolderRule(rules, context.path.ruleId)));
    },
  }),
  defineRoute({
    method: 'PATCH',
    path: `${path}/{ruleId}`,
    summary: 'Changes a folder rule; naming a folder mends a broken one',
    tag,
    access: writersAndUsers,
    answers: { 200: folderRuleAnswerSchema },
    problems: ['notSupported', 'invalidState', 'unavailable'],
    pathSchema: rulePathSchema,
    querySchema: noParameters,
    bodySchema: folderRulePatchSchema,
    handle: async (context) => {
      const { path: named, body, ifMatch } = context;
      const mailboxId = await resolveMailboxId(context);
      const rule = await updateFolderRule(contextOf(context), mailboxId, named.ruleId, body, ifMatch);
      return answerResource(presentFolderRule(rule));
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: `${path}/{ruleId}`,
    summary: 'Removes a folder rule; what it tracked stays tracked',
    tag,
    access: writersAndUsers,
    answers: { 204: null },
    pathSchema: rulePathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const mailboxId = await resolveMailboxId(context);
      await removeFolderRule(contextOf(context), mailboxId, context.path.ruleId, context.ifMatch);
      return answerNothing();
    },
  }),
];
