import { homedir } from 'node:os';
import { dirname } from 'node:path';

/** Where a client finds the emulator; the credentials are those that every emulator takes. */
export type AwsEndpoint = {
  readonly endpointUrl: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

// What an installation behind a proxy or with a package index of its own needs.
const passedOn = /^(PIP_|SSL_CERT_|REQUESTS_CA_BUNDLE$)|_proxy$/i;

/**
 * The environment of what we start: this very Node first on the path (the emulator runs functions with the `node`
 * that it finds), the administrator's directories (where Debian keeps Dovecot and Postfix), and nothing of the
 * caller's AWS settings.
 */
export const childEnvironment = (more: Readonly<Record<string, string>> = {}): Record<string, string> => {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && passedOn.test(name)) environment[name] = value;
  }
  const searched = [dirname(process.execPath), process.env['PATH'], '/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin'];
  return {
    ...environment,
    PATH: searched.filter((directories) => directories !== undefined).join(':'),
    HOME: homedir(),
    LANG: 'C.UTF-8',
    ...more,
  };
};

/** The variables by which AWS clients, the CDK among them, use this endpoint and no account. */
export const awsEnvironment = (aws: AwsEndpoint): Record<string, string> => ({
  AWS_ENDPOINT_URL: aws.endpointUrl,
  AWS_REGION: aws.region,
  AWS_DEFAULT_REGION: aws.region,
  AWS_ACCESS_KEY_ID: aws.accessKeyId,
  AWS_SECRET_ACCESS_KEY: aws.secretAccessKey,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
});
