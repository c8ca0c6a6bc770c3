import { type RecordKey, recordKey } from '../platform/records-table.ts';
import { type ServerProfile, serverProfileKind } from '../server-profile/server-profile.ts';
import { loginName } from './login-name.ts';
import { type Mailbox, mailboxKind } from './mailbox.ts';
import { alreadyMapped, type Claim, dispossessWrites, mailboxAddressKey, type TakeoverContext } from './takeover.ts';

const loginOf = (mailbox: Mailbox, profile: ServerProfile): string | undefined => {
  const { source, authentication } = profile.credentials;
  const name = loginName(mailbox);
  // A login of the profile is meant to be shared.
  if (source === 'profile' || authentication === 'none' || name === null || mailbox.retired) return undefined;
  return `${profile.incoming.host.toLowerCase()}#${name.toLowerCase()}`;
};

const loginKey = (organizationId: string, login: string): RecordKey => recordKey(organizationId, 'mailboxLogin', login);

/**
 * Gives a mailbox the login that a test has just proved, which only one mailbox of an organization uses on a server.
 * The pointer of a holder that has got another login since counts for nothing, so nobody has to clean up after itself.
 *
 * @throws FaultError mailboxAlreadyMapped, when another mailbox uses it and `confirmTakeoverFrom` does not name that one
 */
export const claimLogin = async (
  context: TakeoverContext,
  mailbox: Mailbox,
  serverProfile: ServerProfile,
  confirmTakeoverFrom: string | undefined,
): Promise<Claim> => {
  const { store, organizationId } = context;
  const login = loginOf(mailbox, serverProfile);
  if (login === undefined) return { writes: [] };
  const key = loginKey(organizationId, login);
  const pointer = await store.table.get(key);
  const holderId = pointer === undefined ? undefined : String(pointer['mailboxId']);
  if (holderId === mailbox.id) return { writes: [] };
  const put = {
    put: { ...key, v: 1, kind: 'mailboxLogin', organizationId, mailboxId: mailbox.id },
    condition:
      holderId === undefined
        ? { expression: 'attribute_not_exists(pk)' }
        : { expression: 'mailboxId = :holder', values: { ':holder': holderId } },
  };
  const holder = holderId === undefined ? undefined : await store.get(mailboxKind, organizationId, holderId);
  const holderProfile =
    holder?.serverProfileId == null
      ? undefined
      : await store.get(serverProfileKind, organizationId, holder.serverProfileId);
  const stillHeld = holder !== undefined && holderProfile !== undefined && loginOf(holder, holderProfile) === login;
  if (!stillHeld) return { writes: [put] };
  if (confirmTakeoverFrom !== holder.id)
    throw await alreadyMapped(context, holder, `The login ${loginName(mailbox)} at ${serverProfile.incoming.host}`);
  const freed =
    holder.emailAddress === null ? [] : [{ remove: mailboxAddressKey(organizationId, holder.emailAddress) }];
  return { writes: [put, ...freed, ...(await dispossessWrites(context, holder))], dispossessed: holder.id };
};
