import type { Organization } from '../../../shared/organization/organization.ts';
import type { ServerProfile } from '../../../shared/server-profile/server-profile.ts';
import { initialLayout } from '../../../shared/throttle/throttle-layout.ts';
import { defaultSettings } from '../../support/default-settings.ts';

export interface FleetOptions {
  readonly mailboxes: number;
  readonly servers: number;
  /** Share of a server's connections that is taken on the average; the servers take turns. */
  readonly utilizations: readonly number[];
  /** Connections that a mailbox takes on the average. */
  readonly connectionsPerMailbox: number;
}

/** The mailboxes and the servers that hold them: a few large ones, many small ones. */
export interface Fleet {
  readonly organization: Organization;
  readonly profiles: readonly ServerProfile[];
  readonly mailboxIds: readonly string[];
  readonly serverOf: Uint16Array;
  readonly sizes: readonly number[];
}

/** As long as a real one, so that items have their real size. */
const identifierOf = (prefix: string, number: number): string => `${prefix}_${String(number).padStart(26, '0')}`;

export const createFleet = (options: FleetOptions): Fleet => {
  const weights = Array.from({ length: options.servers }, (_, index) => (index + 1) ** -0.7);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const serverOf = new Uint16Array(options.mailboxes);
  const sizes = weights.map(() => 0);
  let server = 0;
  let bound = 0;
  for (let mailbox = 0; mailbox < options.mailboxes; mailbox += 1) {
    while (mailbox >= bound && server < options.servers) {
      bound += ((weights[server] ?? 0) / sum) * options.mailboxes;
      server += 1;
    }
    const index = Math.min(options.servers, Math.max(1, server)) - 1;
    serverOf[mailbox] = index;
    sizes[index] = (sizes[index] ?? 0) + 1;
  }
  const profiles = sizes.map((size, index) => {
    const utilization = options.utilizations[index % options.utilizations.length] ?? 0.5;
    const maxConnections = Math.max(2, Math.min(300, Math.ceil((size * options.connectionsPerMailbox) / utilization)));
    return {
      id: identifierOf('prf', index),
      version: 1,
      incoming: { host: `imap${index}.example.test` },
      outgoing: { host: `smtp${index}.example.test` },
      maxConnections,
      timeoutSeconds: 60,
      minPollingMinutes: 0,
      throttle: initialLayout(maxConnections),
    } as ServerProfile;
  });
  return {
    organization: { id: identifierOf('org', 1), status: 'active', settings: defaultSettings } as Organization,
    profiles,
    mailboxIds: Array.from({ length: options.mailboxes }, (_, index) => identifierOf('mbx', index)),
    serverOf,
    sizes,
  };
};
