import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { readDeploymentOptions } from '../../../cdk/deployment-options.ts';
import { createStack, list, ofType, property, synthesize } from './synthesize.ts';

const streamArn = 'arn:aws:dynamodb:eu-central-1:111122223333:table/records-of-noon/stream/2026-11-20T12:00:00.000';
const context = { restoredCyclesTable: 'cycles-of-noon', restoredRecordsStream: streamArn };
const resources = synthesize(context);
const ownTables = ofType(resources, 'AWS::DynamoDB::Table');

describe('a deployment on tables that were restored from a backup', () => {
  it('has every function use them', () => {
    const tables = ofType(resources, 'AWS::Lambda::Function').map((lambda) => ({
      cycles: property(lambda, 'Environment.Variables.CYCLES_TABLE'),
      records: property(lambda, 'Environment.Variables.RECORDS_TABLE'),
    }));

    expect([...new Set(tables.map(({ cycles }) => cycles))]).toEqual(['cycles-of-noon', undefined]);
    expect([...new Set(tables.map(({ records }) => records))]).toEqual(['records-of-noon']);
  });

  it('reads the stream of the restored records', () => {
    const sources = ofType(resources, 'AWS::Lambda::EventSourceMapping').map((one) => property(one, 'EventSourceArn'));

    expect(sources).toContain(streamArn);
  });

  it('leaves the tables of before where they are, and lets nothing reach them or watch them any more', () => {
    const others = resources.filter(({ type }) => type !== 'AWS::DynamoDB::Table').map((one) => JSON.stringify(one));

    expect(ownTables.map(({ deletionPolicy }) => deletionPolicy)).toEqual(['Retain', 'Retain']);
    for (const { id } of ownTables) expect(others.filter((text) => text.includes(id))).toEqual([]);
  });

  it('is granted what it needs by name, as before', () => {
    const { app } = createStack(context);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

    expect(() => app.synth()).not.toThrow();
    const resourcesOf = ofType(resources, 'AWS::IAM::Policy')
      .flatMap((policy) => list(policy, 'PolicyDocument.Statement'))
      .map((statement) => JSON.stringify(statement))
      .filter((text) => text.includes('dynamodb:Query'));
    expect(resourcesOf.filter((text) => text.includes('records-of-noon/index/byMailbox')).length).toBeGreaterThan(0);
  });

  it('refuses what names no stream of a table', () => {
    const read = (given: Record<string, unknown>) => readDeploymentOptions(new App({ context: given }).node);

    expect(() => read({ restoredRecordsStream: 'records-of-noon' })).toThrow('ARN of a stream');
    expect(() => read({ restoredCyclesTable: 'no table' })).toThrow('name of a table');
  });
});
