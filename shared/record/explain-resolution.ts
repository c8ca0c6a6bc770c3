import type { ResolutionReason } from './rank-candidates.ts';

const sentences: Readonly<Record<ResolutionReason, string>> = {
  noMatch: 'Nobody has the address',
  onlyMatch: 'The only match',
  ownedByMailboxOwner: 'The first of several that the owner of the mailbox owns',
  rank: 'The first of several by type and age',
  allMatches: 'All that have the address',
  tooManyMatches: 'More records have the address than resolution.senderMatchCap allows',
  ambiguous: 'Several have the address and the organization leaves such addresses unresolved',
  allInactive: 'Several have the address and none of them is active',
};

/** Why an address was resolved as it was, in one sentence. */
export const explainResolution = (reason: ResolutionReason): string => sentences[reason];
