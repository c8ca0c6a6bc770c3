import type { Route } from '../../../functions/api/route.ts';

export const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>): string => `${method} ${path}`;

const recipient = { address: 'carl@client.example' };

/** Bodies that a route takes for right, for those that need one: whoever adds such a route adds its body here. */
const bodies: Readonly<Record<string, unknown>> = {
  'POST /organizations': { name: 'Fabrikam' },
  'POST /organizations/{organizationId}/suspend': { reason: 'unpaid' },
  'POST /organizations/{organizationId}/api-keys': { name: 'further', role: 'reader' },
  'POST /api-keys': { name: 'further', role: 'reader' },
  'POST /sessions': { userId: 'ext:anna' },
  'POST /sign-in/link': { code: 'none', attempt: 'nobody has ever made this one' },
  'POST /sign-in/identity-provider': { organizationId: 'org_00000000000000000000000000' },
  'POST /sign-in/identity-provider/callback': { pending: 'none', query: 'code=none&state=none' },
  'POST /server-profiles': {
    name: 'Further servers',
    kind: 'imapSmtp',
    incoming: { protocol: 'imap', host: '127.0.0.1', port: 9, security: 'tls' },
    outgoing: { protocol: 'smtp', host: '127.0.0.1', port: 9, security: 'tls' },
    credentials: { source: 'mailbox', authentication: 'password' },
  },
  'POST /users': { fullName: 'Further' },
  'POST /queues': { name: 'Further' },
  'POST /teams': { name: 'Further' },
  'POST /mailboxes': { kind: 'forward', emailAddress: 'further@contoso.example' },
  'POST /mailboxes/{mailboxId}/enable': { workloads: ['incoming'] },
  'POST /mailboxes/{mailboxId}/disable': { workloads: ['incoming'] },
  'PUT /mailboxes/{mailboxId}/synchronizing-client': { clientId: 'laptop' },
  'POST /mailboxes/{mailboxId}/promote': { messageId: '<m@client.example>' },
  'POST /mailboxes/{mailboxId}/reprocess': { from: '2026-11-01T00:00:00.000Z' },
  'POST /mailboxes/{mailboxId}/folder-rules': { folderId: 'Projects' },
  'POST /mailboxes/bulk': { select: { kind: 'queue' }, action: 'sync' },
  'POST /mailboxes/{mailboxId}/oauth-connect': { returnUrl: 'https://crm.example/done' },
  'PUT /record-types/{type}': { displayName: 'Opportunity' },
  'POST /records/batch': { items: [{ op: 'delete', type: 'contact', id: 'ext:nobody' }] },
  'POST /emails': { from: { owner: 'ext:anna' }, to: [recipient] },
  'POST /emails/{emailId}/client-delivery': { clientId: 'laptop', event: 'started' },
  'POST /emails/{emailId}/resolve-party': { address: recipient.address, record: { type: 'contact', id: 'ext:carl' } },
  'POST /emails/{emailId}/attachments': { fileName: 'a.txt', contentType: 'text/plain', contentBase64: 'YQ==' },
  'POST /consumers/{name}/commit': { cursor: '0.0' },
  'POST /webhooks': { url: 'https://127.0.0.1:9/hook', types: ['email.*'] },
  'POST /webhooks/{webhookId}/replay': { fromCursor: '0.0' },
  'POST /events/{eventId}/reject': { code: 'noSpace', detail: 'There is no space' },
  'POST /dead-letters/{deadLetterId}/discard': { reason: 'junk' },
  'POST /alerts/{alertId}/act': { action: 'retry' },
};

const queries: Readonly<Record<string, string>> = {
  'DELETE /organizations/{organizationId}': '?confirm=Fabrikam',
  'GET /server-profiles/detect': '?emailAddress=anna@contoso.example',
  'GET /resolve': '?address=anna@contoso.example',
};

export interface RouteInput {
  readonly body?: unknown;
  readonly query: string;
}

/** What a request of this route may hold. @throws Error when a new route has no body here */
export const inputOf = (route: Route): RouteInput => {
  const name = nameOf(route);
  const query = queries[name] ?? '';
  const parameters = Object.fromEntries(new URLSearchParams(query));
  const body = bodies[name] ?? {};
  if (!route.querySchema.safeParse(parameters).success) throw new Error(`Say in route-inputs.ts what ${name} is asked`);
  if (route.bodySchema === null) return { query };
  if (!route.bodySchema.safeParse(body).success) throw new Error(`Say in route-inputs.ts what ${name} is sent`);
  return { body, query };
};

/** The path of a route with its parameters filled in. */
export const pathOf = (route: Route, fill: (parameter: string) => string): string =>
  route.path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => fill(parameter));

export const parametersOf = ({ path }: Pick<Route, 'path'>): readonly string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter = '']) => parameter);
