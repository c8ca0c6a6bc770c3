import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { CorsHttpMethod, DomainName, HttpApi, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { DeploymentOptions } from './deployment-options.ts';
import { HubFunction } from './hub-function.ts';
import { resourceMetric } from './metrics.ts';
import type { OperatorAlarms } from './operator-alarms.ts';

export interface ApiProps {
  readonly prefix: string;
  readonly version: string;
  readonly corsOrigin: string | undefined;
  /** A name of the operator's own for the hub, and the certificate for it. */
  readonly domain: { readonly name: string; readonly certificateArn: string } | undefined;
  /** Where the hub is reached when something stands before it; without a slash at the end. */
  readonly publicUrl: string | undefined;
  /** Where users sign in to the console. */
  readonly identityProvider: DeploymentOptions['identityProvider'];
}

// API Gateway gives an integration at most 30 s; the function ends before, so that the caller gets its answer.
const timeoutSeconds = 29;

// Requests a second that the hub takes at most, from all callers together; beyond it API Gateway answers 429.
const throttle = { rateLimit: 500, burstLimit: 1000 };

const requestHeaders = ['authorization', 'content-type', 'if-match', 'if-none-match', 'idempotency-key'];
const answerHeaders = [
  'etag',
  'location',
  'operation-location',
  'request-id',
  'retry-after',
  'idempotent-replayed',
  'www-authenticate',
];

/** The hub's HTTP API: one route for everything, answered by the api function, which also authenticates. */
export class Api extends Construct {
  readonly hubFunction: HubFunction;
  readonly httpApi: HttpApi;
  /** Without a slash at the end. */
  readonly url: string;
  readonly domain: DomainName | undefined;
  readonly accessLog: LogGroup;

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    this.hubFunction = new HubFunction(this, 'Api', {
      name: 'api',
      prefix: props.prefix,
      description: 'Answers the hub API',
      timeout: Duration.seconds(timeoutSeconds),
      memorySize: 1024,
    });

    this.httpApi = new HttpApi(this, 'HttpApi', {
      apiName: props.prefix,
      description: 'The hub of Mailbox Sync',
      createDefaultStage: false,
      // Payload format 2.0 is what this integration uses.
      defaultIntegration: new HttpLambdaIntegration('Function', this.hubFunction.function),
      ...(props.corsOrigin === undefined
        ? {}
        : {
            corsPreflight: {
              allowOrigins: [props.corsOrigin],
              allowMethods: [CorsHttpMethod.ANY],
              allowHeaders: requestHeaders,
              exposeHeaders: answerHeaders,
              maxAge: Duration.hours(1),
            },
          }),
    });
    Validations.of(this.httpApi).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'The function checks key and role of every request itself: an authorizer of API Gateway cannot answer with problem details.',
    });

    this.domain =
      props.domain &&
      new DomainName(this, 'Domain', {
        domainName: props.domain.name,
        certificate: Certificate.fromCertificateArn(this, 'Certificate', props.domain.certificateArn),
      });
    this.accessLog = new LogGroup(this, 'AccessLog', {
      // Below /aws/vendedlogs/ the log needs no entry of its own in the account's small log resource policy.
      logGroupName: `/aws/vendedlogs/${props.prefix}-access`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new HttpStage(this, 'Stage', {
      httpApi: this.httpApi,
      stageName: '$default',
      autoDeploy: true,
      throttle,
      accessLogSettings: { destination: new LogGroupLogDestination(this.accessLog), format: accessLogFormat },
      ...(this.domain === undefined ? {} : { domainMapping: { domainName: this.domain } }),
    });
    this.url =
      props.publicUrl ?? (props.domain === undefined ? this.httpApi.apiEndpoint : `https://${props.domain.name}`);
    const { identityProvider } = props;
    this.hubFunction.addEnvironment({
      VERSION: props.version,
      HUB_URL: this.url,
      IDENTITY_PROVIDER: identityProvider === undefined ? '' : JSON.stringify(identityProvider),
    });
  }

  addAlarms(alarms: OperatorAlarms): void {
    alarms.add({
      name: 'api-server-errors',
      impact:
        'The hub answers requests of CRMs with server errors: some of their work is refused until they repeat it.',
      runbook: 'api-server-errors',
      metric: resourceMetric('AWS/ApiGateway', '5xx', { ApiId: this.httpApi.apiId }, { statistic: 'Sum' }),
      threshold: 1,
    });
    alarms.add({
      name: 'api-throttles',
      impact: 'Lambda refuses requests to the hub: CRMs get 503 and repeat, users see mail late.',
      runbook: 'throttles',
      metric: resourceMetric(
        'AWS/Lambda',
        'Throttles',
        { FunctionName: this.hubFunction.function.functionName },
        { statistic: 'Sum' },
      ),
      threshold: 1,
    });
  }
}

// The query is left out: it may carry what is nobody's business in a log.
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    time: '$context.requestTime',
    requestId: '$context.requestId',
    ip: '$context.identity.sourceIp',
    method: '$context.httpMethod',
    path: '$context.path',
    status: '$context.status',
    bytes: '$context.responseLength',
    milliseconds: '$context.responseLatency',
    integrationError: '$context.integrationErrorMessage',
  }),
);
