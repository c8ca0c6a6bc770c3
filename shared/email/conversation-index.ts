import { createHash } from 'node:crypto';
import { fingerprint, identifierTime } from '../platform/identifier.ts';

/*
 * The Thread-Index header of Outlook and Exchange: [MS-OXOMSG] section 2.2.1.3. A conversation begins with 22 bytes (the
 * upper six bytes of a time and 16 random ones); every answer adds five, which tell how much later it is.
 */
const rootBytes = 22;
const childBytes = 5;
/** Longer ones lose their oldest answers. */
const mostChildren = 60;

// FILETIME counts tenths of microseconds from 1601.
const ticksPerMillisecond = 10_000n;
const ticksBefore1970 = 116_444_736_000_000_000n;
const rootMask = 0xffff_ffff_ffff_0000n;
/** Differences of up to about 1.7 years are told more exactly. */
const fineDifferenceBits = 49n;

const ticksOf = (at: Date): bigint => BigInt(at.getTime()) * ticksPerMillisecond + ticksBefore1970;

const bytesOf = (index: string): Buffer => Buffer.from(index, 'base64');

/** The value of a Thread-Index header, made safe; null when it is none. */
export const readConversationIndex = (value: string | undefined): string | null => {
  const text = value?.replace(/\s+/g, '') ?? '';
  if (!/^[A-Za-z0-9+/]{30,4000}={0,2}$/.test(text)) return null;
  const bytes = bytesOf(text);
  return bytes.length < rootBytes ? null : bytes.subarray(0, rootBytes + mostChildren * childBytes).toString('base64');
};

/** The index that a conversation begins with; always the same for the same conversation. */
export const startConversationIndex = (conversationId: string): string => {
  const root = Buffer.alloc(rootBytes);
  root.writeBigUInt64BE(ticksOf(new Date(identifierTime(conversationId))) & rootMask);
  createHash('sha256').update(conversationId).digest().copy(root, 6, 0, 16);
  return root.toString('base64');
};

/** The index of an answer to the message with the index `parent`. */
export const continueConversationIndex = (parent: string, seed: string, at: Date): string => {
  const bytes = bytesOf(parent);
  const begun = bytes.readBigUInt64BE() & rootMask;
  const passed = ticksOf(at) - begun;
  const difference = passed < 0n ? 0n : passed;
  const isCoarse = difference >> fineDifferenceBits !== 0n;
  const child = Buffer.alloc(childBytes);
  // One bit for the unit, 31 bits of the difference, and a byte that keeps answers of one moment apart.
  child.writeUInt32BE(
    isCoarse ? Number((difference >> 23n) & 0x7fff_ffffn) + 0x8000_0000 : Number((difference >> 18n) & 0x7fff_ffffn),
  );
  child.writeUInt8(createHash('sha256').update(seed).digest().readUInt8(), childBytes - 1);
  const children = bytes.subarray(rootBytes).subarray(-(mostChildren - 1) * childBytes);
  return Buffer.concat([bytes.subarray(0, rootBytes), children, child]).toString('base64');
};

/** What all messages of a conversation have in common, in the form in which it is stored. */
export const conversationRoot = (index: string): string =>
  fingerprint('conversation', bytesOf(index).subarray(0, rootBytes).toString('hex'));
