import { routeGroups } from '../../functions/api/routes/index.ts';
import type { Role } from '../../shared/organization/api-key.ts';
import { type Answer, type ApiHarness, startApiHarness } from './api-harness.ts';

export type ApiCall = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

export interface TestOrganization {
  readonly id: string;
  /** Calls below /v1 with a key of this role. */
  readonly as: (role: Role) => ApiCall;
}

export type TestApi = ApiHarness & { readonly createOrganization: () => Promise<TestOrganization> };

/** The whole API on tables of its own, for tests that call it in several roles. */
export const startTestApi = async (): Promise<TestApi> => {
  const harness = await startApiHarness(routeGroups);
  return {
    ...harness,
    createOrganization: async () => {
      const { id, key } = await harness.organization({ kind: 'sandbox' });
      const keys = new Map<Role, string>([['admin', key]]);
      for (const role of ['crm', 'reader'] as const) {
        const { body } = await harness.client(key)('POST', '/v1/api-keys', { body: { name: role, role } });
        keys.set(role, body.secret);
      }
      return {
        id,
        as: (role) => {
          const client = harness.client(keys.get(role) ?? null);
          return (method, path, body, headers) =>
            client(method, `/v1${path}`, {
              ...(body === undefined ? {} : { body }),
              ...(headers === undefined ? {} : { headers }),
            });
        },
      };
    },
  };
};
