import type { DynamoDBRecord } from 'aws-lambda';
import * as z from 'zod';

const streamsSchema = z.object({ Streams: z.array(z.object({ StreamArn: z.string() })) });
const streamSchema = z.object({ StreamDescription: z.object({ Shards: z.array(z.object({ ShardId: z.string() })) }) });
const iteratorSchema = z.object({ ShardIterator: z.string() });
const recordsSchema = z.object({
  Records: z.array(z.custom<DynamoDBRecord>()),
  NextShardIterator: z.string().optional(),
});

/**
 * Reads a table's stream as an event source does: each call returns what was written since the call before.
 *
 * @param most where more and more is written a call ends with so many, or one answer of the stream more [all]
 */
export const createStreamReader = (
  TableName: string,
  most = Number.POSITIVE_INFINITY,
): (() => Promise<DynamoDBRecord[]>) => {
  const call = async <Schema extends z.ZodType>(action: string, body: object, schema: Schema) => {
    const answer = await fetch(process.env['AWS_ENDPOINT_URL_DYNAMODB'] ?? process.env['AWS_ENDPOINT_URL'] ?? '', {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDBStreams_20120810.${action}`,
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20261120/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: JSON.stringify(body),
    });
    return schema.parse(await answer.json());
  };
  const begin = async (): Promise<string> => {
    const { Streams } = await call('ListStreams', { TableName }, streamsSchema);
    const StreamArn = Streams[0]?.StreamArn;
    const { StreamDescription } = await call('DescribeStream', { StreamArn }, streamSchema);
    const ShardId = StreamDescription.Shards[0]?.ShardId;
    const started = await call(
      'GetShardIterator',
      { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' },
      iteratorSchema,
    );
    return started.ShardIterator;
  };
  let iterator: string | undefined;
  return async () => {
    const read: DynamoDBRecord[] = [];
    for (;;) {
      iterator ??= await begin();
      const { Records, NextShardIterator } = await call('GetRecords', { ShardIterator: iterator }, recordsSchema);
      iterator = NextShardIterator;
      if (Records.length === 0) return read;
      read.push(...Records);
      if (read.length >= most) return read;
    }
  };
};
