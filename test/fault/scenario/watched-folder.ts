import type { MailUser } from '../../../local/mail-environment.ts';
import { eventually } from '../../support/eventually.ts';
import { withMailbox } from '../../support/mailbox-client.ts';
import type { Random } from '../plan/random.ts';
import type { HubCall } from '../world/hub.ts';
import type { World } from '../world/world.ts';

export const watchedFolder = 'Clients';

/** Makes the folder and has its mail tracked; returns the id of the rule. */
export const watchFolder = async (
  world: World,
  call: HubCall,
  mailboxId: string,
  mailUser: MailUser,
): Promise<string> => {
  await withMailbox(world.mail.environment, mailUser, (client) => client.mailboxCreate(watchedFolder));
  const { id } = await call('POST', `/mailboxes/${mailboxId}/folder-rules`, { folderId: watchedFolder });
  return id;
};

type Loss = 'renamed' | 'deleted';

/** As a person does it in a mail program; the server may just be starting again. */
export const loseWatchedFolder = (world: World, mailUser: MailUser, random: Random, mark: string): Promise<unknown> => {
  const loss = random.pick<Loss>(['renamed', 'deleted']);
  const lose = () =>
    withMailbox(world.mail.environment, mailUser, async (client) => {
      // An attempt before this one may have got through without its answer.
      if (!(await client.list()).some(({ path }) => path === watchedFolder)) return true;
      return loss === 'renamed'
        ? client.mailboxRename(watchedFolder, `${watchedFolder} ${mark}`)
        : client.mailboxDelete(watchedFolder);
    });
  return eventually(() => lose().catch(() => undefined), {
    what: `${watchedFolder} of ${mailUser.address} is ${loss}`,
    seconds: 60,
  });
};

/** Makes a folder of the same name, and names it in the rule again where the rule was broken meanwhile. */
export const restoreWatchedFolder = async (
  world: World,
  call: HubCall,
  { mailUser, mailboxId }: { readonly mailUser: MailUser; readonly mailboxId: string },
  folderRuleId: string,
): Promise<void> => {
  const create = () => withMailbox(world.mail.environment, mailUser, (client) => client.mailboxCreate(watchedFolder));
  await eventually(() => create().catch(() => undefined), {
    what: `${watchedFolder} of ${mailUser.address} is back`,
    seconds: 60,
  });
  const path = `/mailboxes/${mailboxId}/folder-rules/${folderRuleId}`;
  const { status } = await call('GET', path);
  if (status === 'broken') await call('PATCH', path, { folderId: watchedFolder });
};
