import type { Mailbox } from '../mailbox/mailbox.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';

/**
 * Mail that the server received earlier is not tracked: the later of the starts of profile and mailbox, and without
 * either the instant at which incoming was first enabled, so that old mail is not pulled. Null: there is no start.
 */
export const findProcessFrom = (
  mailbox: Pick<Mailbox, 'processEmailFrom' | 'incomingSince'>,
  serverProfile: Pick<ServerProfile, 'processEmailFrom'>,
): Date | null => {
  const given = [mailbox.processEmailFrom, serverProfile.processEmailFrom].flatMap((one) =>
    one === null ? [] : [Date.parse(one)],
  );
  if (given.length > 0) return new Date(Math.max(...given));
  return mailbox.incomingSince === null ? null : new Date(mailbox.incomingSince);
};
