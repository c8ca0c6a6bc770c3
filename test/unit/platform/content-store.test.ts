import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createStorageClient } from '../../../shared/platform/aws-clients.ts';
import { createContentStore } from '../../../shared/platform/content-store.ts';

const environment = { ...process.env };
let server: Server | undefined;

afterEach(async () => {
  process.env = { ...environment };
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

const storeAt = (endpoint: string) => {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  return createContentStore(createStorageClient(), 'content');
};

describe('a URL to upload to', () => {
  it('holds whoever has it to the size and the type, and to no checksum, since the content is not known yet', async () => {
    const content = storeAt('http://127.0.0.1:1');

    const { url } = await content.uploadUrl('org_1/uploads/1', {
      contentType: 'text/plain',
      sizeBytes: 5,
      now: new Date(),
    });

    const { searchParams } = new URL(url);
    expect(searchParams.get('X-Amz-SignedHeaders')?.split(';')).toEqual(['content-length', 'content-type', 'host']);
    expect([...searchParams.keys()].filter((name) => name.toLowerCase().includes('checksum'))).toEqual([]);
  });
});

describe('removing everything below a prefix', () => {
  it('fails when the storage keeps an object, instead of asking for ever', async () => {
    let lists = 0;
    server = createServer((request, response) => {
      request.resume().on('end', () => {
        response.setHeader('content-type', 'application/xml');
        if (request.method === 'GET') {
          lists += 1;
          // Ends what would never end.
          const left = lists > 3 ? '' : '<Contents><Key>org_1/kept</Key></Contents>';
          response.end(`<ListBucketResult>${left}</ListBucketResult>`);
        } else
          response.end(
            '<DeleteResult><Error><Key>org_1/kept</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error></DeleteResult>',
          );
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const content = storeAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);

    await expect(content.removeAll('org_1/')).rejects.toThrow('AccessDenied');
    expect(lists).toBe(1);
  });
});
