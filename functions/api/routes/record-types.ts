import * as z from 'zod';
import { FaultError } from '../../../shared/platform/fault.ts';
import {
  presentRecordType,
  putRecordType,
  recordTypeAnswerSchema,
  recordTypeInputSchema,
  requireRecordType,
} from '../../../shared/record/manage-record-types.ts';
import { type RecordType, recordTypeKind, recordTypeNameSchema } from '../../../shared/record/record-type.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type Route, type RouteAnswer, roles } from '../route.ts';

const tag = 'Records';

const answerType = (type: RecordType, created: boolean): RouteAnswer => ({
  status: created ? 201 : 200,
  body: presentRecordType(type),
  headers: { etag: `"${type.version}"`, ...(created ? { location: `/v1/record-types/${type.id}` } : {}) },
});

export const recordTypesRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/record-types',
    summary: "Lists the CRM's own types of records; the built-in ones are always there",
    tag,
    access: roles,
    answers: { 200: pageSchema(recordTypeAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject(pageQueryShape),
    bodySchema: null,
    handle: async ({ services: { store, now }, organization, query }) => ({
      status: 200,
      body: await listEntities({
        store,
        kind: recordTypeKind,
        organizationId: organization.id,
        query,
        filters: {},
        present: presentRecordType,
        now: now(),
        ascending: true,
      }),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/record-types/{type}',
    summary: "Reads one of the CRM's own types of records",
    tag,
    access: roles,
    answers: { 200: recordTypeAnswerSchema },
    pathSchema: z.strictObject({ type: z.string() }),
    querySchema: noParameters,
    bodySchema: null,
    handle: async ({ services, organization, path }) => {
      const own = await requireRecordType(services.store, organization.id, path.type);
      if (own === undefined) throw new FaultError('notFound');
      return answerType(own, false);
    },
  }),
  defineRoute({
    method: 'PUT',
    path: '/record-types/{type}',
    summary: 'Makes a type of record known, or changes it',
    tag,
    access: ['admin', 'crm'],
    answers: { 200: recordTypeAnswerSchema, 201: recordTypeAnswerSchema },
    pathSchema: z.strictObject({ type: recordTypeNameSchema }),
    querySchema: noParameters,
    bodySchema: recordTypeInputSchema,
    handle: async ({ services, organization, author, path, body, ifMatch, createOnly }) => {
      const { recordType, created } = await putRecordType(
        { store: services.store, organizationId: organization.id, author, now: services.now },
        path.type,
        body,
        { ifMatch, createOnly },
      );
      return answerType(recordType, created);
    },
  }),
];
