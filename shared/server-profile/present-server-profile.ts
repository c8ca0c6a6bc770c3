import type * as z from 'zod';
import { credentialsAnswerSchema, presentCredentials } from './profile-credentials.ts';
import { type ServerProfile, serverProfileSchema } from './server-profile.ts';

/** A server profile as the API shows it: of secrets only whether and since when they are set. */
export const serverProfileAnswerSchema = serverProfileSchema
  .omit({ credentials: true, throttle: true })
  .extend({
    credentials: credentialsAnswerSchema,
  })
  .meta({ id: 'ServerProfile' });

export const presentServerProfile = (profile: ServerProfile): z.output<typeof serverProfileAnswerSchema> => ({
  id: profile.id,
  version: profile.version,
  createdAt: profile.createdAt,
  updatedAt: profile.updatedAt,
  name: profile.name,
  kind: profile.kind,
  incoming: profile.incoming,
  outgoing: profile.outgoing,
  credentials: presentCredentials(profile.credentials),
  maxConnections: profile.maxConnections,
  timeoutSeconds: profile.timeoutSeconds,
  minPollingMinutes: profile.minPollingMinutes,
  sendLimits: profile.sendLimits,
  processEmailFrom: profile.processEmailFrom,
  moveUndeliverable: profile.moveUndeliverable,
  alertOwnerOnOutage: profile.alertOwnerOnOutage,
  ownerId: profile.ownerId,
  caCertificates: profile.caCertificates,
  status: profile.status,
});
