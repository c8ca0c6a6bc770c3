import type { AwsCall } from './aws-call.ts';

export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const json = (status: number, type: string, more: Readonly<Record<string, string>> = {}): Refusal => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.0', ...more },
  body: JSON.stringify({ __type: type, message: 'Injected by the fault campaign' }),
});

const xml = (status: number, code: string): Refusal => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>Injected</Message></Error>`,
});

/** What the service answers to a caller that asks too often. */
export const throttling = (service: AwsCall['service']): Refusal => {
  switch (service) {
    case 'dynamodb':
      return json(400, 'com.amazonaws.dynamodb.v20120810#ThrottlingException');
    case 'sqs':
      return json(400, 'com.amazonaws.sqs#RequestThrottled', { 'x-amzn-query-error': 'RequestThrottled;Sender' });
    case 'scheduler':
      return json(429, 'ThrottlingException', { 'x-amzn-errortype': 'ThrottlingException' });
    case 's3':
      return xml(503, 'SlowDown');
    default:
      return json(400, 'ThrottlingException');
  }
};

/** What the service answers when something broke inside it. */
export const internalError = (service: AwsCall['service']): Refusal =>
  service === 's3'
    ? xml(500, 'InternalError')
    : json(500, service === 'dynamodb' ? 'com.amazonaws.dynamodb.v20120810#InternalServerError' : 'InternalError', {
        'x-amzn-errortype': 'InternalServerException',
      });
