import { createHash, createHmac } from 'node:crypto';
import type { AwsEndpoint } from './child-environment.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

export type AwsCallOptions = {
  /** [POST] */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Service and operation, for the services that read them from a header of their own (`x-amz-target`). */
  readonly target?: string;
};

/**
 * Calls an AWS service with Signature Version 4: for the few calls that are not worth a client of their own.
 * @throws Error with the answer when it is a refusal, or the error of an invoked function.
 */
export const callAws = async (
  aws: AwsEndpoint,
  service: string,
  path: string,
  type: string,
  body: string,
  { method = 'POST', target }: AwsCallOptions = {},
): Promise<string> => {
  const url = new URL(path, aws.endpointUrl);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${aws.region}/${service}/aws4_request`;
  const named = {
    'content-type': type,
    'x-amz-date': time,
    ...(target === undefined ? {} : { 'x-amz-target': target }),
  };
  // In the order of their names, as the signature wants them.
  const headers = Object.entries({ ...named, host: url.host }).sort(([one], [other]) => (one < other ? -1 : 1));
  const signed = headers.map(([name]) => name).join(';');
  const listed = headers.map(([name, value]) => `${name}:${value}\n`).join('');
  const canonical = [method, url.pathname, '', listed, signed, hash(body)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(mac, `AWS4${aws.secretAccessKey}`);
  const signature = mac(key, ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')).toString('hex');
  const response = await fetch(url, {
    method,
    ...(method === 'GET' ? {} : { body }),
    headers: {
      ...named,
      authorization: `AWS4-HMAC-SHA256 Credential=${aws.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    },
  });
  const text = await response.text();
  if (!response.ok || response.headers.has('x-amz-function-error')) {
    throw new Error(`${service} answered ${response.status}: ${text}`);
  }
  return text;
};
