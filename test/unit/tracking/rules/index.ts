import { attachmentRules } from './attachment-rules.ts';
import { correlationRules } from './correlation-rules.ts';
import { filteringRules } from './filtering-rules.ts';
import { resolutionRules } from './resolution-rules.ts';
import type { Rule } from './rule.ts';
import { samenessRules } from './sameness-rules.ts';

/** The rules of tracking by what they are about. */
export const trackingRules: Readonly<Record<string, readonly Rule[]>> = {
  'Which mail becomes a record': filteringRules,
  'One email for one message, internal mail, queue items': samenessRules,
  'Which email a message answers': correlationRules,
  'Who an address stands for, and to whom an email belongs': resolutionRules,
  'What is kept of a message': attachmentRules,
};
