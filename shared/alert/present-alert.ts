import * as z from 'zod';
import { problemPath } from '../platform/fault.ts';
import { type Alert, alertSchema } from './alert.ts';

export const alertAnswerSchema = alertSchema
  .omit({ createdAt: true, updatedAt: true })
  .extend({ helpUrl: z.string().meta({ description: 'A page that explains the code.' }) })
  .meta({ id: 'Alert' });

/** An alert as the API and the feed show it. */
export const presentAlert = (alert: Alert): z.output<typeof alertAnswerSchema> => {
  const { createdAt: _createdAt, updatedAt: _updatedAt, ...shown } = alert;
  return { ...shown, helpUrl: problemPath(alert.code) };
};
