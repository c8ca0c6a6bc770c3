import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { readDeploymentOptions } from '../../../cdk/deployment-options.ts';
import { createStack, ofType, property, synthesize } from './synthesize.ts';

const context = { egressSubnets: 'subnet-0123abcd, subnet-0123456789abcdef0', egressSecurityGroups: 'sg-0123abcd' };

const placed = (given: Readonly<Record<string, unknown>>): readonly string[] =>
  ofType(synthesize(given), 'AWS::Lambda::Function')
    .filter((lambda) => property(lambda, 'VpcConfig') !== undefined)
    .map((lambda) => String(property(lambda, 'FunctionName')));

describe('a deployment whose connections leave from fixed addresses', () => {
  it('puts into the private network what connects to the outside, and nothing else', () => {
    expect(placed(context).toSorted()).toEqual([
      'mailbox-sync-api',
      'mailbox-sync-incoming',
      'mailbox-sync-operations',
      'mailbox-sync-outgoing',
      'mailbox-sync-webhooks',
    ]);
    expect(placed({})).toEqual([]);
  });

  it('names subnets and groups as they were given', () => {
    const [lambda] = ofType(synthesize(context), 'AWS::Lambda::Function').filter(
      (one) => property(one, 'VpcConfig') !== undefined,
    );

    expect(property(lambda, 'VpcConfig')).toEqual({
      SubnetIds: ['subnet-0123abcd', 'subnet-0123456789abcdef0'],
      SecurityGroupIds: ['sg-0123abcd'],
    });
  });

  it('passes the rules that every deployment is checked by', () => {
    const { app } = createStack(context);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

    expect(() => app.synth()).not.toThrow();
  });

  it('refuses one without the other, and what is no identifier', () => {
    const read = (given: Record<string, unknown>) => readDeploymentOptions(new App({ context: given }).node);

    expect(() => read({ egressSubnets: 'subnet-0123abcd' })).toThrow('belong together');
    expect(() => read({ ...context, egressSubnets: 'vpc-0123abcd' })).toThrow('subnet-0123abcd');
  });
});
