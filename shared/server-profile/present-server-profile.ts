import * as z from 'zod';
import { presentedSecretSchema, presentSecret } from '../platform/present-secret.ts';
import { type ServerProfile, serverProfileSchema } from './server-profile.ts';

/** A server profile as the API shows it: of secrets only whether and since when they are set. */
export const serverProfileAnswerSchema = serverProfileSchema
  .omit({ credentials: true, throttle: true })
  .extend({
    credentials: serverProfileSchema.shape.credentials
      .pick({ source: true, authentication: true })
      .extend({ username: z.string().nullable(), password: presentedSecretSchema }),
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
  credentials: {
    source: profile.credentials.source,
    authentication: profile.credentials.authentication,
    username: profile.credentials.username ?? null,
    password: presentSecret(profile.credentials.password),
  },
  maxConnections: profile.maxConnections,
  timeoutSeconds: profile.timeoutSeconds,
  minPollingMinutes: profile.minPollingMinutes,
  sendLimits: profile.sendLimits,
  processEmailFrom: profile.processEmailFrom,
  ownerId: profile.ownerId,
  caCertificates: profile.caCertificates,
  status: profile.status,
});
