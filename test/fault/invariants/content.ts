import { at, entitiesOf, type Item } from './observation.ts';
import type { Check, Violation } from './violation.ts';

/** What an email says it has in the bucket; of its raw bytes it says how many there are, once it is stored or sent. */
const contentOf = (email: Item): readonly (readonly [key: unknown, sizeBytes: unknown])[] => [
  [email['rawKey'], email['sizeBytes']],
  [email['bodyKey'], undefined],
  ...((email['attachments'] ?? []) as readonly Item[]).map((file) => [file['storageKey'], file['sizeBytes']] as const),
];

/** Each email has its bytes in the bucket, and what was set aside is there exactly as the server has it. */
export const checkContent: Check = ({ cast, observation }) => {
  const { objects, mailboxes } = observation;
  const violations: Violation[] = [];
  for (const email of entitiesOf(observation, cast.organizationId, 'email')) {
    if (email['direction'] === 'incoming' && typeof email['rawKey'] !== 'string')
      violations.push({ kind: 'lost', what: `the email ${email['id']} has no raw bytes` });
    for (const [key, sizeBytes] of contentOf(email)) {
      if (typeof key !== 'string') continue;
      const stored = objects.get(key);
      if (stored === undefined || (sizeBytes !== undefined && stored !== sizeBytes))
        violations.push({
          kind: 'lost',
          what: `the bucket has ${stored} bytes of ${key}, the email says ${sizeBytes}`,
        });
    }
  }
  for (const letter of entitiesOf(observation, cast.organizationId, 'deadLetter')) {
    const user = cast.users.find(({ mailboxId }) => mailboxId === letter['mailboxId']);
    const seen = user === undefined ? undefined : mailboxes.get(user.mailUser.address);
    const isInbox = at(letter, 'remote', 'folder') === 'INBOX';
    const message = (isInbox ? seen?.inbox : seen?.watched)?.find(({ uid }) => uid === at(letter, 'remote', 'uid'));
    const stored = objects.get(String(letter['rawKey']));
    // Of a message that the server changed or lost since, nothing can be said but that bytes of it are kept.
    const wanted = isInbox ? message?.sizeBytes : undefined;
    if (stored === undefined || stored === 0 || (wanted !== undefined && wanted !== stored))
      violations.push({
        kind: 'lost',
        what: `of the dead letter ${letter['id']} (${wanted} bytes) ${stored} are kept`,
      });
  }
  return violations;
};
