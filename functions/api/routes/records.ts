import * as z from 'zod';
import { createRecordFilter, findRecordsByAddress } from '../../../shared/record/find-records.ts';
import { requireRecordType } from '../../../shared/record/manage-record-types.ts';
import {
  presentRecord,
  presentRecordDigest,
  recordAnswerSchema,
  recordDigestSchema,
} from '../../../shared/record/present-record.ts';
import { type CrmRecord, crmRecordKind } from '../../../shared/record/record.ts';
import { recordBatchAnswerSchema, recordBatchSchema, runRecordBatch } from '../../../shared/record/record-batch.ts';
import { recordPatchSchema } from '../../../shared/record/record-input.ts';
import {
  deleteRecord,
  getRecord,
  patchRecord,
  putRecord,
  type RecordWriting,
} from '../../../shared/record/write-record.ts';
import { answerCreated, answerNothing, answerResource } from '../answers.ts';
import { listEntities, listFound, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type OrganizationContext, type Route, roles } from '../route.ts';

const tag = 'Records';
const writers = ['admin', 'crm'] as const;
const recordPath = z.strictObject({ type: z.string(), id: z.string() });

const writingOf = ({
  services,
  organization,
  author,
  identifierFor,
}: OrganizationContext<unknown, unknown, unknown>): RecordWriting => ({
  store: services.store,
  organizationId: organization.id,
  author,
  now: services.now,
  newIdentifier: () => identifierFor('rec'),
});

export const recordsRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/records/batch',
    summary: 'Puts and deletes up to 500 records, each by itself',
    tag,
    access: writers,
    answers: { 200: recordBatchAnswerSchema },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: recordBatchSchema,
    handle: async (context) => ({
      status: 200,
      body: { results: await runRecordBatch(writingOf(context), context.body) },
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/records/{type}',
    summary: 'Lists the records of a type, newest first; view=digest for their versions and hashes alone',
    tag,
    access: roles,
    answers: { 200: pageSchema(z.union([recordAnswerSchema, recordDigestSchema])) },
    pathSchema: z.strictObject({ type: z.string() }),
    querySchema: z.strictObject({
      ...pageQueryShape,
      email: z.string().min(1).max(320).optional(),
      ownerId: z.string().max(250).optional(),
      status: z.enum(['active', 'inactive']).optional(),
      bound: z
        .enum(['true', 'false'])
        .transform((text) => text === 'true')
        .optional()
        .meta({ description: 'false: records of the hub that have no externalId yet.' }),
      view: z.enum(['full', 'digest']).default('full'),
    }),
    bodySchema: null,
    handle: async ({ services, organization, path, query: { limit, cursor, ...filters } }) => {
      const { store } = services;
      await requireRecordType(store, organization.id, path.type);
      const matches = await createRecordFilter(store, organization.id, { type: path.type, ...filters });
      const common = {
        kind: crmRecordKind,
        organizationId: organization.id,
        query: { limit, cursor },
        filters: { type: path.type, ...filters },
        present: (record: CrmRecord) =>
          filters.view === 'digest' ? presentRecordDigest(record) : presentRecord(record),
        now: services.now(),
      };
      if (matches === undefined) return { status: 200, body: listFound({ ...common, found: [] }) };
      if (filters.email === undefined) return { status: 200, body: await listEntities({ ...common, store, matches }) };
      const found = await findRecordsByAddress(store, organization.id, path.type, filters.email);
      return { status: 200, body: listFound({ ...common, found: found.filter(matches) }) };
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/records/{type}/{id}',
    summary: 'Reads a record',
    tag,
    access: roles,
    answers: { 200: recordAnswerSchema },
    pathSchema: recordPath,
    querySchema: noParameters,
    bodySchema: null,
    handle: async ({ services, organization, path }) =>
      answerResource(presentRecord(await getRecord(services.store, organization.id, path))),
  }),
  defineRoute({
    method: 'PUT',
    path: '/records/{type}/{id}',
    summary: 'Creates a record under its externalId or edits it: each field that is present is an edit',
    tag,
    access: writers,
    answers: { 200: recordAnswerSchema, 201: recordAnswerSchema },
    problems: ['externalIdTaken'],
    pathSchema: recordPath,
    querySchema: noParameters,
    bodySchema: recordPatchSchema,
    handle: async (context) => {
      const { record, created } = await putRecord(writingOf(context), context.path, context.body, context);
      const body = presentRecord(record);
      return created ? answerCreated(`/records/${record.type}/${record.id}`, body) : answerResource(body);
    },
  }),
  defineRoute({
    method: 'PATCH',
    path: '/records/{type}/{id}',
    summary: 'Edits a record; null resets a field',
    tag,
    access: writers,
    answers: { 200: recordAnswerSchema },
    problems: ['externalIdTaken'],
    pathSchema: recordPath,
    querySchema: noParameters,
    bodySchema: recordPatchSchema,
    handle: async (context) =>
      answerResource(presentRecord(await patchRecord(writingOf(context), context.path, context.body, context.ifMatch))),
  }),
  defineRoute({
    method: 'DELETE',
    path: '/records/{type}/{id}',
    summary: 'Removes a record; accessLost says that it only went out of sight',
    tag,
    access: writers,
    answers: { 204: null },
    pathSchema: recordPath,
    querySchema: z.strictObject({ reason: z.enum(['deleted', 'accessLost']).default('deleted') }),
    bodySchema: null,
    handle: async (context) => {
      await deleteRecord(writingOf(context), context.path, context.query.reason, context.ifMatch);
      return answerNothing();
    },
  }),
];
