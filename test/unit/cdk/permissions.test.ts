import { App, Stack } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { actionsOf, grantedActions, nameOf, statementsFor } from './granted-actions.ts';
import { at, createStack, list, ofType, property, type Resource, referenceIn, synthesize } from './synthesize.ts';

const resources = synthesize();
const functions = ofType(resources, 'AWS::Lambda::Function');

const statementsOf = (lambda: Resource): readonly unknown[] => statementsFor(resources, lambda);

const allActions = (name: string): readonly string[] => grantedActions(resources, name);

describe('each function', () => {
  it('has a role of its own, for Lambda alone, with no managed policy', () => {
    expect(new Set(functions.map((lambda) => referenceIn(lambda, 'Role'))).size).toBe(functions.length);
    for (const lambda of functions) {
      const role = resources.find(({ id }) => id === referenceIn(lambda, 'Role'));
      expect(role?.properties).not.toHaveProperty('ManagedPolicyArns');
      expect(list(role, 'AssumeRolePolicyDocument.Statement')).toMatchObject([
        { Principal: { Service: 'lambda.amazonaws.com' } },
      ]);
    }
  });

  it('is granted whole actions by name', () => {
    for (const lambda of functions)
      for (const action of statementsOf(lambda).flatMap(actionsOf)) expect(action).not.toContain('*');
  });

  it('reaches beyond named resources only for objects of our bucket, timers of our group and the list of streams', () => {
    const wide = functions.flatMap((lambda) =>
      statementsOf(lambda)
        .filter((statement) => JSON.stringify(at(statement, 'Resource')).includes('*'))
        .map((statement) => actionsOf(statement).join(' ')),
    );
    expect([...new Set(wide.flatMap((actions) => actions.split(' ')))].sort()).toEqual([
      'dynamodb:ListStreams',
      's3:AbortMultipartUpload',
      's3:DeleteObject',
      's3:GetObject',
      's3:PutObject',
      'scheduler:CreateSchedule',
      'scheduler:DeleteSchedule',
    ]);
  });

  it('may do this and nothing else', () => {
    const granted = functions.map((lambda) => [
      nameOf(lambda),
      [...new Set(allActions(nameOf(lambda)))].filter((action) => !action.startsWith('logs:')).sort(),
    ]);
    expect(Object.fromEntries(granted)).toMatchInlineSnapshot(`
      {
        "api": [
          "dynamodb:BatchGetItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:DeleteItem",
          "dynamodb:GetItem",
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:UpdateItem",
          "kms:Decrypt",
          "kms:GenerateDataKey",
          "s3:AbortMultipartUpload",
          "s3:DeleteObject",
          "s3:GetObject",
          "s3:ListBucket",
          "s3:PutObject",
          "sqs:SendMessage",
        ],
        "dead-letters": [
          "dynamodb:BatchGetItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:DeleteItem",
          "dynamodb:GetItem",
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:UpdateItem",
          "sqs:ChangeMessageVisibility",
          "sqs:DeleteMessage",
          "sqs:GetQueueAttributes",
          "sqs:GetQueueUrl",
          "sqs:ReceiveMessage",
        ],
        "feed": [
          "dynamodb:BatchGetItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:DeleteItem",
          "dynamodb:DescribeStream",
          "dynamodb:GetItem",
          "dynamodb:GetRecords",
          "dynamodb:GetShardIterator",
          "dynamodb:ListStreams",
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:UpdateItem",
          "sqs:SendMessage",
        ],
        "incoming": [
          "dynamodb:BatchGetItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:DeleteItem",
          "dynamodb:GetItem",
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:UpdateItem",
          "iam:PassRole",
          "kms:Decrypt",
          "s3:AbortMultipartUpload",
          "s3:DeleteObject",
          "s3:ListBucket",
          "s3:PutObject",
          "scheduler:CreateSchedule",
          "scheduler:DeleteSchedule",
          "sqs:ChangeMessageVisibility",
          "sqs:DeleteMessage",
          "sqs:GetQueueAttributes",
          "sqs:GetQueueUrl",
          "sqs:ReceiveMessage",
          "sqs:SendMessage",
        ],
        "operations": [
          "dynamodb:BatchGetItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:DeleteItem",
          "dynamodb:GetItem",
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:Scan",
          "dynamodb:UpdateItem",
          "iam:PassRole",
          "kms:Decrypt",
          "s3:AbortMultipartUpload",
          "s3:DeleteObject",
          "s3:GetObject",
          "s3:ListBucket",
          "s3:PutObject",
          "scheduler:CreateSchedule",
          "scheduler:DeleteSchedule",
          "sqs:ChangeMessageVisibility",
          "sqs:DeleteMessage",
          "sqs:GetQueueAttributes",
          "sqs:GetQueueUrl",
          "sqs:ReceiveMessage",
          "sqs:SendMessage",
        ],
        "operator-key": [
          "dynamodb:PutItem",
        ],
        "outgoing": [
          "dynamodb:BatchGetItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:DeleteItem",
          "dynamodb:GetItem",
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:UpdateItem",
          "iam:PassRole",
          "kms:Decrypt",
          "s3:AbortMultipartUpload",
          "s3:GetObject",
          "s3:ListBucket",
          "s3:PutObject",
          "scheduler:CreateSchedule",
          "scheduler:DeleteSchedule",
          "sqs:ChangeMessageVisibility",
          "sqs:DeleteMessage",
          "sqs:GetQueueAttributes",
          "sqs:GetQueueUrl",
          "sqs:ReceiveMessage",
          "sqs:SendMessage",
        ],
        "recovery": [
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:Scan",
          "dynamodb:UpdateItem",
        ],
        "watchdog": [
          "dynamodb:BatchGetItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:DeleteItem",
          "dynamodb:GetItem",
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:Scan",
          "dynamodb:UpdateItem",
          "sqs:GetQueueAttributes",
          "sqs:SendMessage",
        ],
        "webhooks": [
          "dynamodb:BatchGetItem",
          "dynamodb:ConditionCheckItem",
          "dynamodb:DeleteItem",
          "dynamodb:GetItem",
          "dynamodb:PutItem",
          "dynamodb:Query",
          "dynamodb:UpdateItem",
          "iam:PassRole",
          "kms:Decrypt",
          "scheduler:CreateSchedule",
          "scheduler:DeleteSchedule",
          "sqs:ChangeMessageVisibility",
          "sqs:DeleteMessage",
          "sqs:GetQueueAttributes",
          "sqs:GetQueueUrl",
          "sqs:ReceiveMessage",
          "sqs:SendMessage",
        ],
      }
    `);
  });
});

describe('who may do what', () => {
  it('lets only lanes and webhooks arm timers, and hand Scheduler no role but its own', () => {
    const passing = functions.flatMap((lambda) =>
      statementsOf(lambda)
        .filter((statement) => actionsOf(statement).includes('iam:PassRole'))
        .map((statement) => ({ name: nameOf(lambda), statement })),
    );
    expect(passing.map(({ name }) => name).sort()).toEqual(['incoming', 'operations', 'outgoing', 'webhooks']);
    for (const { statement } of passing) {
      expect(at(statement, 'Condition')).toEqual({
        StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' },
      });
      expect(JSON.stringify(at(statement, 'Resource'))).not.toContain('*');
    }
  });

  it('lets nobody scan but the watchdog, what recovers from a backup and what erases an organization', () => {
    const scanning = functions.map(nameOf).filter((name) => allActions(name).includes('dynamodb:Scan'));
    expect(scanning).toEqual(['operations', 'watchdog', 'recovery']);
  });

  it('lets only the api make the keys that wrap secrets', () => {
    const making = functions.map(nameOf).filter((name) => allActions(name).includes('kms:GenerateDataKey'));
    expect(making).toEqual(['api']);
  });

  it('keeps the secrets from the functions that read none', () => {
    for (const name of ['feed', 'watchdog', 'dead-letters', 'operator-key', 'recovery'])
      expect(allActions(name).filter((action) => action.startsWith('kms:') || action.startsWith('s3:'))).toEqual([]);
  });

  it('lets the operator-key function add a key and nothing else, and nobody invoke it without IAM', () => {
    expect([...allActions('operator-key')].sort()).toEqual([
      'dynamodb:PutItem',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]);
    const operatorKey = functions.find((lambda) => nameOf(lambda) === 'operator-key');
    const invokers = ofType(resources, 'AWS::Lambda::Permission').filter(
      (permission) => referenceIn(permission, 'FunctionName') === operatorKey?.id,
    );
    expect(invokers).toEqual([]);
  });

  it('lets Scheduler send as our role for timers of our group only', () => {
    const [role, ...others] = ofType(resources, 'AWS::IAM::Role').filter(({ properties }) =>
      JSON.stringify(properties).includes('scheduler.amazonaws.com'),
    );
    const [group] = ofType(resources, 'AWS::Scheduler::ScheduleGroup');
    expect(others).toEqual([]);
    expect(property(role, 'AssumeRolePolicyDocument.Statement.0.Condition.StringEquals')).toEqual({
      'aws:SourceAccount': { Ref: 'AWS::AccountId' },
      'aws:SourceArn': { 'Fn::GetAtt': [group?.id, 'Arn'] },
    });
  });
});

describe('the AWS Solutions rules', () => {
  it.each([
    ['as it is by default', {}],
    [
      'with every option',
      {
        prefix: 'second',
        domainName: 'hub.example.com',
        certificateArn: 'arn:aws:acm:us-east-1:000000000000:certificate/abc',
        corsOrigin: 'https://crm.example.com',
        alarmTopicArn: 'arn:aws:sns:us-east-1:000000000000:operators',
        removalPolicy: 'destroy',
      },
    ],
  ])('find nothing without an answer in the stack %s', (_, context) => {
    const { app, stack } = createStack(context);
    const { violations } = new AwsSolutionsChecks(app).validateScope(stack);
    const found = violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
    );
    expect(found).toEqual([]);
  });

  it('are really applied: a plain queue is found', () => {
    const app = new App();
    const stack = new Stack(app, 'Plain');
    new Queue(stack, 'Queue');
    const { violations } = new AwsSolutionsChecks(app).validateScope(stack);
    expect(violations.map(({ ruleName }) => ruleName).join()).toContain('AwsSolutions-SQS4');
  });
});
