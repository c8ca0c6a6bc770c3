import addressparser from 'nodemailer/lib/addressparser';
import { decodeWords } from './decode-text.ts';

export interface MailAddress {
  readonly address: string;
  readonly name: string;
}

const mostAddresses = 10_000;
const longestAddress = 320;
const longestName = 200;

const control = /[\p{Cc}\p{Cf}]+/gu;
// Signs that join letters belong to names in many scripts; those that turn the direction of writing forge names.
const misleading = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]+/gu;

// Of most mail nothing else stands there. Names of such letters mean themselves in and outside of quotes.
const plainMailbox =
  /^(?:(?:"([A-Za-z0-9._'-]+(?:,? [A-Za-z0-9._'-]+)*)"|([A-Za-z0-9_'-]+(?: [A-Za-z0-9_'-]+)*)) )?<([A-Za-z0-9._+-]+@[A-Za-z0-9.-]+)>$/;

/** The addresses of a header value, groups opened, at most 10,000. What has no @ is no address. */
export const readAddresses = (value: string): readonly MailAddress[] => {
  if (value === '') return [];
  const [plain, quoted, unquoted, only] = plainMailbox.exec(value) ?? [];
  if (plain !== undefined && only !== undefined && plain.length <= longestName)
    return [{ address: only, name: quoted ?? unquoted ?? '' }];
  const found: MailAddress[] = [];
  for (const { address, name } of addressparser(value, { flatten: true })) {
    const bare = address.replace(control, '').trim().toWellFormed();
    if (!bare.includes('@') || bare.length > longestAddress) continue;
    const shown = decodeWords(name).replace(misleading, ' ').trim();
    found.push({ address: bare, name: shown.slice(0, longestName).toWellFormed() });
    if (found.length === mostAddresses) break;
  }
  return found;
};
