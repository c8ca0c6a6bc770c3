import type { ConnectionTarget } from '../transport/connection.ts';
import type { ServerProfile } from './server-profile.ts';

/** Where a profile's incoming or outgoing server is and how to speak with it. */
export const connectionTarget = (
  serverProfile: Pick<ServerProfile, 'incoming' | 'outgoing' | 'caCertificates' | 'timeoutSeconds'>,
  direction: 'incoming' | 'outgoing',
): ConnectionTarget => {
  const { host, port, security } = serverProfile[direction];
  const { caCertificates, timeoutSeconds } = serverProfile;
  return { host, port, security, caCertificates, timeoutSeconds };
};
