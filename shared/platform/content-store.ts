import type { Readable } from 'node:stream';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

/** Raw messages, bodies and attachments. Keys start with the organization's identifier. */
export interface ContentStore {
  put(key: string, content: Uint8Array | string, contentType: string): Promise<void>;
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
  return {
    put: async (Key, Body, ContentType) => {
      await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType }));
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
        await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
        removed += Objects.length;
      }
    },
  };
};
