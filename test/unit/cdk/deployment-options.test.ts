import { App } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { readDeploymentOptions } from '../../../cdk/deployment-options.ts';
import { ofType, property, type Resource, synthesize, withProperty } from './synthesize.ts';

const read = (context: Record<string, unknown>) => readDeploymentOptions(new App({ context }).node);

describe('the options of a deployment', () => {
  it('need not be given', () => {
    expect(read({})).toMatchObject({
      prefix: 'mailbox-sync',
      laneTimeoutSeconds: 120,
      operationsTimeoutSeconds: 300,
      watchdogPeriodSeconds: 300,
      allowedHostRanges: [],
      hostConnectionCaps: {},
      allowInsecureCredentials: false,
      domain: undefined,
      removalPolicy: 'retain',
    });
  });

  it('are read from the command line, where all is text', () => {
    const options = read({
      laneTimeoutSeconds: '60',
      allowedHostRanges: '127.0.0.0/8, ::1/128',
      hostConnectionCaps: '{"mail.example.com":40}',
      allowInsecureCredentials: 'true',
      corsOrigin: '',
    });
    expect(options).toMatchObject({
      laneTimeoutSeconds: 60,
      allowedHostRanges: ['127.0.0.0/8', '::1/128'],
      hostConnectionCaps: { 'mail.example.com': 40 },
      allowInsecureCredentials: true,
      corsOrigin: undefined,
    });
  });

  it('name the domain in small letters, in which alone API Gateway takes it', () => {
    const certificateArn = 'arn:aws:acm:us-east-1:000000000000:certificate/abc';
    expect(read({ domainName: 'Hub.Example.com', certificateArn }).domain).toEqual({
      name: 'hub.example.com',
      certificateArn,
    });
  });

  it.each([
    ['a prefix that no queue could have', { prefix: 'Mail_Sync' }, 'prefix'],
    ['a watchdog between the minutes', { watchdogPeriodSeconds: 90 }, 'whole minutes'],
    ['a watchdog that comes too seldom for its alarms', { watchdogPeriodSeconds: 3_660 }, 'watchdogPeriodSeconds'],
    ['alarms to something else than a topic', { alarmTopicArn: 'arn:aws:sqs:us-east-1:000000000000:operators' }, 'SNS'],
    ['an address instead of a range', { allowedHostRanges: '10.0.0.1' }, 'allowedHostRanges'],
    ['caps that are not JSON', { hostConnectionCaps: 'mail=4' }, 'hostConnectionCaps'],
    ['an origin with a path', { corsOrigin: 'https://crm.example.com/app' }, 'corsOrigin'],
    ['an origin without TLS', { corsOrigin: 'http://crm.example.com' }, 'corsOrigin'],
    ['any origin', { corsOrigin: '*' }, 'corsOrigin'],
    ['the origin of pages that have none', { corsOrigin: 'null' }, 'corsOrigin'],
    ['a domain without certificate', { domainName: 'hub.example.com' }, 'certificateArn'],
    [
      'a certificate of something else than Certificate Manager',
      { domainName: 'hub.example.com', certificateArn: 'arn:aws:iam::000000000000:server-certificate/hub' },
      'Certificate Manager',
    ],
    ['an issuer without a client', { oidcIssuer: 'https://login.example.com' }, 'oidcClientId'],
    ['a client without an issuer', { oidcClientId: 'hub' }, 'oidcIssuer'],
    ['an issuer without TLS', { oidcIssuer: 'http://login.example.com', oidcClientId: 'hub' }, 'oidcIssuer'],
    ['a removal policy that does not exist', { removalPolicy: 'snapshot' }, 'removalPolicy'],
  ])('refuse %s, naming it', (_, context, word) => {
    expect(() => read(context)).toThrow(word);
  });
});

describe('the environment of the functions', () => {
  // Lines of 64 characters, as certificates have them.
  const certificates = `-----BEGIN CERTIFICATE-----\n${`${'A'.repeat(64)}\n`.repeat(36)}`;
  const oidc = { oidcIssuer: 'https://login.example.com', oidcClientId: 'hub', oidcCaCertificates: certificates };

  it('takes what the options hold, and is refused before the deployment where AWS would refuse it', () => {
    expect(() => synthesize(oidc)).not.toThrow();
    expect(() => synthesize({ ...oidc, oidcClientSecretCiphertext: 'A'.repeat(1_000) })).toThrow(
      /function api \d{4} bytes of environment, most of them as IDENTITY_PROVIDER/,
    );
    const caps = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`imap-${index}.mail.example.com`, 40]));
    expect(() => synthesize({ hostConnectionCaps: caps })).toThrow(/HOST_CONNECTION_CAPS/);
  });

  it('is measured as AWS measures it: as JSON, in which each quotation mark of a value takes two bytes', () => {
    const caps = Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`mx${index}.example.com`, 40]));
    const [incoming] = ofType(synthesize({ hostConnectionCaps: {} }), 'AWS::Lambda::Function');
    const variables = Object.entries(property(incoming, 'Environment.Variables') ?? {});
    const others = variables.map(([name, value]) => name.length + (typeof value === 'string' ? value.length : 120));
    const plain = others.reduce((sum, bytes) => sum + bytes, 0) + JSON.stringify(caps).length;

    expect(plain).toBeLessThan(4_096);
    expect(() => synthesize({ hostConnectionCaps: caps })).toThrow(/HOST_CONNECTION_CAPS; AWS takes 4096/);
  });
});

describe('the API of a deployment', () => {
  const the = (resources: readonly Resource[], type: string): Resource | undefined => ofType(resources, type)[0];

  it('sends every path to the api function, which also authenticates, and limits the rate', () => {
    const resources = synthesize();
    expect(ofType(resources, 'AWS::ApiGatewayV2::Route').map((route) => property(route, 'RouteKey'))).toEqual([
      '$default',
    ]);
    expect(property(the(resources, 'AWS::ApiGatewayV2::Integration'), 'PayloadFormatVersion')).toBe('2.0');
    expect(the(resources, 'AWS::ApiGatewayV2::Stage')?.properties).toMatchObject({
      StageName: '$default',
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 1000 },
    });
    expect(the(resources, 'AWS::ApiGatewayV2::Api')?.properties).not.toHaveProperty('CorsConfiguration');
    expect(the(resources, 'AWS::S3::Bucket')?.properties).not.toHaveProperty('CorsConfiguration');
  });

  it('logs each request without its query, which may hold secrets', () => {
    const format = String(property(the(synthesize(), 'AWS::ApiGatewayV2::Stage'), 'AccessLogSettings.Format'));
    expect(format).toContain('$context.path');
    expect(format).not.toMatch(/querystring|\$request/i);
  });

  it('lets the pages of one origin in, to the hub and to presigned URLs, with what they bring themselves only', () => {
    const resources = synthesize({ corsOrigin: 'https://crm.example.com' });
    const cors = property(the(resources, 'AWS::ApiGatewayV2::Api'), 'CorsConfiguration');
    expect(cors).toMatchObject({
      AllowOrigins: ['https://crm.example.com'],
      AllowHeaders: expect.arrayContaining(['authorization', 'if-match', 'idempotency-key']),
      ExposeHeaders: expect.arrayContaining(['etag', 'location', 'operation-location', 'request-id', 'retry-after']),
    });
    // Browsers then send no credentials of their own along.
    expect(cors).not.toHaveProperty('AllowCredentials');
    expect(property(the(resources, 'AWS::S3::Bucket'), 'CorsConfiguration.CorsRules.0')).toMatchObject({
      AllowedOrigins: ['https://crm.example.com'],
      AllowedMethods: ['GET', 'PUT'],
    });
  });

  it('has a name of its own where one is given', () => {
    const resources = synthesize({
      domainName: 'hub.example.com',
      certificateArn: 'arn:aws:acm:us-east-1:000000000000:certificate/abc',
    });
    expect(property(the(resources, 'AWS::ApiGatewayV2::DomainName'), 'DomainName')).toBe('hub.example.com');
    expect(ofType(resources, 'AWS::ApiGatewayV2::ApiMapping')).toHaveLength(1);
  });

  it('knows where users sign in to the console, with the secret as a ciphertext, and nobody else is told', () => {
    const oidc = {
      oidcIssuer: 'https://login.example.com/realm',
      oidcClientId: 'hub',
      oidcClientSecretCiphertext: 'AQICAHg=',
      oidcOrganizationClaim: 'tid',
    };
    const told = ofType(synthesize(oidc), 'AWS::Lambda::Function').flatMap((lambda) => {
      const option = property(lambda, 'Environment.Variables.IDENTITY_PROVIDER');
      return option === undefined || option === ''
        ? []
        : [[property(lambda, 'FunctionName'), JSON.parse(String(option))]];
    });

    expect(told).toEqual([
      [
        'mailbox-sync-api',
        {
          issuer: 'https://login.example.com/realm',
          clientId: 'hub',
          clientSecretCiphertext: 'AQICAHg=',
          organizationClaim: 'tid',
          caCertificates: null,
        },
      ],
    ]);
  });

  it('knows where browsers come back to: its own name, the one it was given, or what stands before it', () => {
    const domain = {
      domainName: 'hub.example.com',
      certificateArn: 'arn:aws:acm:us-east-1:000000000000:certificate/abc',
    };
    const urlOf = (context: Readonly<Record<string, unknown>>) => {
      const resources = synthesize(context);
      const api = withProperty(resources, 'AWS::Lambda::Function', 'FunctionName', 'mailbox-sync-api');
      return property(api, 'Environment.Variables.HUB_URL');
    };

    expect(JSON.stringify(urlOf({}))).toContain('ApiEndpoint');
    expect(urlOf(domain)).toBe('https://hub.example.com');
    expect(urlOf({ ...domain, publicUrl: 'https://front.example.com' })).toBe('https://front.example.com');
    expect(() => synthesize({ publicUrl: 'https://front.example.com/hub' })).toThrow('publicUrl');
  });
});
