import type * as z from 'zod';
import { type DeadLetter, deadLetterSchema } from './dead-letter.ts';

export const deadLetterAnswerSchema = deadLetterSchema.omit({ rawKey: true }).meta({ id: 'DeadLetter' });

export const presentDeadLetter = ({ rawKey: _, ...shown }: DeadLetter): z.output<typeof deadLetterAnswerSchema> =>
  shown;
