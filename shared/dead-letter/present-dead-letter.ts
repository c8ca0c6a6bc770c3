import type * as z from 'zod';
import { type DeadLetter, deadLetterSchema } from './dead-letter.ts';

export const deadLetterAnswerSchema = deadLetterSchema.omit({ rawKey: true, unended: true }).meta({ id: 'DeadLetter' });

export const presentDeadLetter = ({
  rawKey: _rawKey,
  unended: _unended,
  ...shown
}: DeadLetter): z.output<typeof deadLetterAnswerSchema> => shown;
