import { readdirSync, readFileSync } from 'node:fs';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';

/** What a release has written in a run of its own: items as DynamoDB holds them. */
export interface GoldenSet {
  readonly organizationId: string;
  /** Of each lane, reason and way one, sent to its queue or left with a timer. */
  readonly messages: readonly {
    readonly from: 'queue' | 'timer';
    readonly body: Readonly<Record<string, unknown>>;
  }[];
  readonly records: readonly Readonly<Record<string, AttributeValue>>[];
  readonly cycles: readonly Readonly<Record<string, AttributeValue>>[];
  readonly stream: readonly DynamoDBRecord[];
}

const versions = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && /^\d/.test(entry.name))
  .map(({ name }) => name)
  .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }));

/** The last release that has been recorded: the one that runs beside this code while it is deployed. */
export const lastRelease = String(versions.at(-1));

export const readRelease = (name: 'contract.json' | 'golden.json'): unknown =>
  JSON.parse(readFileSync(`${import.meta.dirname}/${lastRelease}/${name}`, 'utf8'));
