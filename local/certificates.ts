import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { childEnvironment } from './child-environment.ts';
import { runGuarded } from './guarded-process.ts';

/** A server certificate for the loopback address and the authority that signed it. */
export type Certificates = {
  /** PEM of the authority: clients that trust it accept the server. */
  readonly authority: string;
  readonly certificateFile: string;
  readonly keyFile: string;
};

const configuration = (names: readonly string[]): string => `[req]
distinguished_name = subject
prompt = no
[subject]
CN = localhost
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${['localhost', ...names].map((name) => `DNS:${name}`).join(', ')}, IP:127.0.0.1
`;

/** Makes a new authority and a server certificate for localhost, 127.0.0.1 and these names in the directory. */
export const createCertificates = async (directory: string, names: readonly string[] = []): Promise<Certificates> => {
  await mkdir(directory, { recursive: true });
  const path = (name: string): string => join(directory, name);
  await writeFile(path('openssl.cnf'), configuration(names));
  const openssl = (...args: string[]): Promise<void> =>
    runGuarded({
      name: 'openssl',
      file: 'openssl',
      args,
      environment: childEnvironment(),
      workingDirectory: directory,
      logFile: path('openssl.log'),
    });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-config', 'openssl.cnf'];
  await openssl(
    ...['req', '-x509', ...newKey, '-extensions', 'authority', '-subj', '/CN=Mailbox Sync local authority'],
    ...['-days', '3650', '-keyout', 'authority-key.pem', '-out', 'authority.pem'],
  );
  await openssl('req', '-new', ...newKey, '-keyout', 'key.pem', '-out', 'request.pem');
  await openssl(
    ...['x509', '-req', '-in', 'request.pem', '-CA', 'authority.pem', '-CAkey', 'authority-key.pem', '-CAcreateserial'],
    ...['-days', '3650', '-extfile', 'openssl.cnf', '-extensions', 'server', '-out', 'certificate.pem'],
  );
  return {
    authority: await readFile(path('authority.pem'), 'utf8'),
    certificateFile: path('certificate.pem'),
    keyFile: path('key.pem'),
  };
};
