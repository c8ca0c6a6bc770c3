import type { Cycle } from '../../../shared/cycle/cycle.ts';
import { cycleSchema } from '../../../shared/cycle/cycle.ts';
import { type Email, emailKind } from '../../../shared/email/email.ts';
import { type Mailbox, mailboxKind } from '../../../shared/mailbox/mailbox.ts';
import {
  type MailEnvironment,
  type MailServers,
  type MailUser,
  startTestMailServers,
} from '../../support/mail-servers.ts';
import { type LaneHandler, loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { enableStoredMailbox, storeServerProfile } from '../../support/synchronized-mailbox.ts';
import { type ApiCall, startTestApi, type TestApi } from '../role-calls.ts';

/** An organization whose mailboxes are read by the incoming lane. */
export interface IncomingOrganization {
  readonly id: string;
  readonly call: ApiCall;
  /** A user with a mailbox that is read from now on. */
  readonly user: (
    mailUser: MailUser,
    fields?: Readonly<Record<string, unknown>>,
    mailbox?: Partial<Mailbox>,
  ) => Promise<{ readonly id: string; readonly mailboxId: string }>;
  readonly queue: (
    mailUser: MailUser,
    fields?: Readonly<Record<string, unknown>>,
  ) => Promise<{ readonly id: string; readonly mailboxId: string }>;
  /** A mailbox that others forward to. */
  readonly forward: (
    mailUser: MailUser,
    fields?: Readonly<Record<string, unknown>>,
  ) => Promise<{ readonly mailboxId: string }>;
  /** Changes settings that a run reads. */
  readonly settings: (patch: unknown) => Promise<void>;
  /**
   * Has the lane run until the mailbox has nothing more to do for now.
   *
   * @param firstRunMilliseconds what the first run may take [a minute, as all others]
   */
  readonly synchronize: (mailboxId: string, firstRunMilliseconds?: number) => Promise<Cycle>;
  readonly cycle: (mailboxId: string) => Promise<Cycle>;
  readonly decisions: (mailboxId: string) => Promise<readonly Record<string, unknown>[]>;
  /** Oldest first. */
  readonly emails: () => Promise<readonly Email[]>;
}

const runMilliseconds = 60_000;

export interface IncomingWorld {
  readonly api: TestApi;
  readonly servers: MailServers;
  readonly mailUser: (number: number) => MailUser;
  /** Another one at each call, whose mailbox nobody has used. */
  readonly nextMailUser: () => MailUser;
  /** `mail`: where its mailboxes are read, unless on the servers themselves; `profile`: what else its profile says. */
  readonly createOrganization: (
    mail?: MailEnvironment,
    profile?: Readonly<Record<string, unknown>>,
  ) => Promise<IncomingOrganization>;
  /** Has the operations lane carry out everything that waits. */
  readonly runOperations: () => Promise<void>;
  /** Switches a mailbox to deciding only. */
  readonly observe: (organizationId: string, mailboxId: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The incoming lane's function on tables of its own and a real Dovecot, fed batch by batch. */
export const startIncomingWorld = async (): Promise<IncomingWorld> => {
  const [api, servers] = await Promise.all([startTestApi(), startTestMailServers()]);
  const handler: LaneHandler = await loadLaneHandler('incoming');
  const operations: LaneHandler = await loadLaneHandler('operations');
  const queueUrl = String(process.env['INCOMING_QUEUE_URL']);
  const { services } = api;

  const createOrganization = async (
    mail = servers.environment,
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<IncomingOrganization> => {
    const organization = await api.createOrganization();
    const call = organization.as('admin');
    const profile = await storeServerProfile(services, organization.id, mail, fields);
    const cycle = async (mailboxId: string): Promise<Cycle> =>
      cycleSchema.parse(await api.cycleItem(`${organization.id}#${mailboxId}`, 'incoming'));

    const own = async (path: string, mailUser: MailUser, fields: object, mailbox: Partial<Mailbox>) => {
      const { status, body } = await call('POST', path, { emailAddress: mailUser.address, ...fields });
      if (status !== 201) throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
      const mailboxId = String(body.mailboxId ?? body.id);
      await enableStoredMailbox(services, organization.id, mailboxId, {
        serverProfileId: profile.id,
        mailUser,
        workloads: ['incoming'],
        fields: mailbox,
      });
      return { id: String(body.id), mailboxId };
    };

    const all = async (path: string) => {
      const found: Record<string, unknown>[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { body }: Awaited<ReturnType<ApiCall>> = await call(
          'GET',
          `${path}${path.includes('?') ? '&' : '?'}limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`,
        );
        found.push(...body.data);
        cursor = body.nextCursor;
      }
      return found;
    };

    return {
      id: organization.id,
      call,
      user: (mailUser, fields = {}, mailbox = {}) =>
        own('/users', mailUser, { fullName: mailUser.address, filtering: 'all', ...fields }, mailbox),
      queue: (mailUser, fields = {}) => own('/queues', mailUser, { name: mailUser.address, ...fields }, {}),
      forward: (mailUser, fields = {}) => own('/mailboxes', mailUser, { kind: 'forward', ...fields }, {}),
      settings: async (patch) => {
        const { status, body } = await call('PATCH', '/settings', patch);
        if (status !== 200) throw new Error(`Settings answered ${status}: ${JSON.stringify(body)}`);
      },
      synchronize: async (mailboxId, firstRunMilliseconds = runMilliseconds) => {
        let state = await cycle(mailboxId);
        const { generation } = state;
        await services.cycles.synchronize(organization.id, mailboxId, ['incoming'], `opn_${Date.now()}`);
        for (;;) {
          // On a slow machine such a run as the first ends before it has done anything: it must not be like all others.
          const remainingMilliseconds = state.generation === generation ? firstRunMilliseconds : runMilliseconds;
          const taken = await runLaneBatch(handler, queueUrl, { remainingMilliseconds });
          state = await cycle(mailboxId);
          if (taken === 0 && (!state.enabled || state.due === null || state.due > Date.now() + 1_000)) return state;
        }
      },
      cycle,
      decisions: (mailboxId) => all(`/decisions?mailboxId=${mailboxId}`),
      emails: async () => {
        const { items } = await services.store.list(emailKind, organization.id, { limit: 1_000, ascending: true });
        return items;
      },
    };
  };

  const mailUser = (number: number): MailUser => {
    const user = servers.environment.users.find(({ address }) => address.startsWith(`user${number}@`));
    if (user === undefined) throw new Error(`There is no mail user ${number}`);
    return user;
  };
  let users = 0;

  return {
    api,
    servers,
    mailUser,
    nextMailUser: () => {
      users += 1;
      return mailUser(users);
    },
    createOrganization,
    runOperations: async () => {
      while ((await runLaneBatch(operations, String(process.env['OPERATIONS_QUEUE_URL']))) > 0);
    },
    observe: async (organizationId, mailboxId) => {
      const change = (mailbox: Mailbox) => {
        const { workloads } = mailbox;
        const incoming = { ...workloads.incoming, mode: 'observe' as const };
        return { next: { ...mailbox, workloads: { ...workloads, incoming } } };
      };
      await services.store.update(mailboxKind, organizationId, mailboxId, change, services);
    },
    stop: async () => {
      await servers.stop();
      await api.stop();
    },
  };
};
