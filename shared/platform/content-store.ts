import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

/** Raw messages, bodies and attachments. Keys start with the organization's identifier. */
export interface ContentStore {
  put(key: string, content: Uint8Array | string, contentType: string): Promise<void>;
  /** Stores content whose length is not known beforehand, holding a few megabytes of it at a time; returns its bytes. */
  putStream(key: string, content: AsyncIterable<Uint8Array>, contentType: string): Promise<number>;
  /** Undefined when there is nothing under the key. */
  read(key: string): Promise<Uint8Array | undefined>;
  /** For passing large content on without holding it. */
  stream(key: string): Promise<Readable | undefined>;
  /** Bytes that stand there; undefined when there is nothing. */
  size(key: string): Promise<number | undefined>;
  /** A URL that may be read once or more for five minutes; `fileName` becomes the name of the download. */
  downloadUrl(key: string, options: { readonly contentType?: string; readonly fileName?: string }): Promise<string>;
  /** A URL that takes one PUT of exactly this size and type, and until when (ISO instant). */
  uploadUrl(
    key: string,
    options: { readonly contentType: string; readonly sizeBytes: number; readonly now: Date },
  ): Promise<{ readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly expiresAt: string }>;
  /** Removes everything below the prefix; returns how many objects went. */
  removeAll(prefix: string): Promise<number>;
}

const downloadSeconds = 300;
const uploadSeconds = 3600;
// S3 takes no smaller part but the last, and at most 10,000 of them.
const partBytes = 8 * 1024 * 1024;

/** Cuts a stream into pieces of `partBytes`, the last one shorter; at least one piece. */
async function* inParts(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let pending: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of content) {
    pending.push(chunk);
    length += chunk.length;
    while (length >= partBytes) {
      const joined = Buffer.concat(pending);
      yield joined.subarray(0, partBytes);
      pending = [joined.subarray(partBytes)];
      length -= partBytes;
    }
  }
  yield Buffer.concat(pending);
}

export const createContentStore = (client: S3Client, Bucket: string): ContentStore => {
  const open = async (Key: string) => {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      return Body;
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  };
  const put = async (Key: string, Body: Uint8Array | string, ContentType: string): Promise<void> => {
    await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType }));
  };

  const putInParts = async (Key: string, first: Buffer, rest: AsyncGenerator<Buffer>, ContentType: string) => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ContentType }));
    const Parts: CompletedPart[] = [];
    let bytes = 0;
    const upload = async (Body: Buffer): Promise<void> => {
      const PartNumber = Parts.length + 1;
      const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
      Parts.push({ PartNumber, ETag });
      bytes += Body.length;
    };
    try {
      await upload(first);
      for await (const part of rest) if (part.length > 0) await upload(part);
      await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
    } catch (error) {
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
      throw error;
    }
    return bytes;
  };

  return {
    put,
    putStream: async (key, content, contentType) => {
      const parts = inParts(content);
      const { value: first } = await parts.next();
      if (first === undefined) throw new Error('There is always a first part');
      if (first.length === partBytes) return putInParts(key, first, parts, contentType);
      await put(key, first, contentType);
      return first.length;
    },
    read: async (key) => (await open(key))?.transformToByteArray(),
    stream: async (key) => (await open(key)) as Readable | undefined,
    size: async (Key) => {
      try {
        return (await client.send(new HeadObjectCommand({ Bucket, Key }))).ContentLength;
      } catch (error) {
        if (error instanceof NotFound || error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    downloadUrl: (Key, { contentType, fileName }) =>
      getSignedUrl(
        client,
        new GetObjectCommand({
          Bucket,
          Key,
          ...(contentType === undefined ? {} : { ResponseContentType: contentType }),
          ...(fileName === undefined
            ? {}
            : { ResponseContentDisposition: `attachment; filename*=UTF-8''${encodeURIComponent(fileName)}` }),
        }),
        { expiresIn: downloadSeconds },
      ),
    uploadUrl: async (Key, { contentType, sizeBytes, now }) => ({
      url: await getSignedUrl(
        client,
        new PutObjectCommand({ Bucket, Key, ContentType: contentType, ContentLength: sizeBytes }),
        { expiresIn: uploadSeconds, signableHeaders: new Set(['content-type', 'content-length', 'host']) },
      ),
      headers: { 'content-type': contentType },
      expiresAt: new Date(now.getTime() + uploadSeconds * 1000).toISOString(),
    }),
    removeAll: async (Prefix) => {
      let removed = 0;
      for (;;) {
        const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix }));
        const Objects = Contents.flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]));
        if (Objects.length === 0) return removed;
        const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
        // The request succeeds all the same, and the next list would have them again.
        const [kept] = Errors ?? [];
        if (kept !== undefined) throw new Error(`S3 does not remove ${kept.Key}: ${kept.Code} ${kept.Message}`);
        removed += Objects.length;
      }
    },
  };
};
