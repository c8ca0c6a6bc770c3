/** Where a message stands, as an IMAP URL tells it without its server (RFC 5092 section 11). */
const pattern = /^\/?([^;]+);UIDVALIDITY=([1-9]\d{0,9})\/;UID=([1-9]\d{0,9})$/i;

const decodeFolder = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/** Undefined when the text is no such place. */
export const parseItemId = (
  text: string,
): { readonly folder: string; readonly uidValidity: string; readonly uid: number } | undefined => {
  const [, encoded = '', uidValidity = '', uid = ''] = pattern.exec(text) ?? [];
  const folder = decodeFolder(encoded);
  return folder === undefined || folder === '' ? undefined : { folder, uidValidity, uid: Number(uid) };
};
