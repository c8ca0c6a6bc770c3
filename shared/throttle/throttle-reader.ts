import type { ServerProfile } from '../server-profile/server-profile.ts';

/** What the API shows of a profile's connections. */
export interface ThrottleReader {
  /** Leases that have not expired. */
  countOpenConnections(organizationId: string, serverProfile: ServerProfile): Promise<number>;
}
