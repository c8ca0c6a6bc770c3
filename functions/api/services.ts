import type { CycleControl } from '../../shared/cycle/cycle-control.ts';
import type { OAuthAccess } from '../../shared/oauth/oauth-access.ts';
import type { OperationWatch } from '../../shared/operation/operation-watch.ts';
import type { RetirementWatch } from '../../shared/owner/retirement-watch.ts';
import type { ContentStore } from '../../shared/platform/content-store.ts';
import type { EntityStore } from '../../shared/platform/entity-store.ts';
import type { LaneQueues } from '../../shared/platform/lane-queues.ts';
import type { RecordsTable } from '../../shared/platform/records-table.ts';
import type { SecretVault } from '../../shared/platform/secrets.ts';
import type { RequestMeter } from '../../shared/quota/request-meter.ts';
import type { ConfiguredProvider } from '../../shared/session/identity-provider.ts';
import type { ConnectionGate } from '../../shared/throttle/connection-gate.ts';
import type { ThrottleReader } from '../../shared/throttle/throttle-reader.ts';
import type { Dialler } from '../../shared/transport/connection.ts';
import type { HostPolicy } from '../../shared/transport/host-policy.ts';
import type { NameService } from '../../shared/transport/name-service.ts';
import type { AuthorizationServers } from '../../shared/transport/oauth/authorization-servers.ts';
import type { WebhookStates } from '../../shared/webhook/webhook-states.ts';

/** The collaborators that routes hand down to the domain; built once per cold start. */
export interface Services {
  readonly table: RecordsTable;
  readonly store: EntityStore;
  readonly content: ContentStore;
  readonly vault: SecretVault;
  readonly queues: LaneQueues;
  readonly cycles: CycleControl;
  readonly throttle: ThrottleReader;
  /** For requests that speak with a mail server themselves: their connections count like any other. */
  readonly gate: ConnectionGate;
  readonly dialler: Dialler;
  readonly authorizationServers: AuthorizationServers;
  /** Access tokens of mailboxes that log in by OAuth. */
  readonly oauth: OAuthAccess;
  /** Where users sign in to the console; undefined: the deployment names no issuer. */
  readonly identityProvider: ConfiguredProvider | undefined;
  /** Where callers and browsers reach the hub, without a slash at the end. */
  readonly hubUrl: string;
  /** Counts requests against the limits of keys and organizations. */
  readonly meter: RequestMeter;
  readonly operationWatch: OperationWatch;
  readonly retirementWatch: RetirementWatch;
  readonly webhookStates: WebhookStates;
  readonly hostPolicy: HostPolicy;
  readonly names: NameService;
  readonly allowInsecureCredentials: boolean;
  readonly version: string;
  readonly now: () => Date;
}
