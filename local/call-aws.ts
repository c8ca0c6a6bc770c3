import { createHash, createHmac } from 'node:crypto';
import type { AwsEndpoint } from './child-environment.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/**
 * Posts to an AWS service with Signature Version 4: for the few calls that are not worth a client of their own.
 * @throws Error with the answer when it is a refusal, or the error of an invoked function.
 */
export const callAws = async (
  aws: AwsEndpoint,
  service: string,
  path: string,
  type: string,
  body: string,
): Promise<string> => {
  const url = new URL(path, aws.endpointUrl);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${aws.region}/${service}/aws4_request`;
  const signed = 'content-type;host;x-amz-date';
  const headers = `content-type:${type}\nhost:${url.host}\nx-amz-date:${time}\n`;
  const canonical = ['POST', url.pathname, '', headers, signed, hash(body)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(mac, `AWS4${aws.secretAccessKey}`);
  const signature = mac(key, ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')).toString('hex');
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': type,
      'x-amz-date': time,
      authorization: `AWS4-HMAC-SHA256 Credential=${aws.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    },
  });
  const text = await response.text();
  if (!response.ok || response.headers.has('x-amz-function-error')) {
    throw new Error(`${service} answered ${response.status}: ${text}`);
  }
  return text;
};
