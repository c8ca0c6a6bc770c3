import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { type RecordsTable, WriteConditionError } from './records-table.ts';
import type { SealedSecret } from './values.ts';

/** Where a secret belongs: bound into the seal, so that a sealed value cannot be moved to another place. */
export interface SecretPlace {
  readonly organizationId: string;
  /** The organization's random salt (base64); without it nothing can be opened. */
  readonly salt: string;
  /** The resource that holds the secret. */
  readonly resourceId: string;
  readonly field: string;
}

/** Seals and opens secrets: AES-256-GCM under a key derived per organization from one wrapped bucket key. */
export interface SecretVault {
  seal(place: SecretPlace, secret: string, now: Date): Promise<SealedSecret>;
  open(place: SecretPlace, sealed: SealedSecret): Promise<string>;
}

const bucketCount = 4;
const bucketKeyLifetimeMilliseconds = 3_600_000;
const form = 'v1';

const bucketOf = (organizationId: string): number => {
  let sum = 0;
  for (const character of organizationId) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_536;
  return sum % bucketCount;
};

const associatedData = (place: SecretPlace): Buffer =>
  Buffer.from(JSON.stringify([form, place.organizationId, place.resourceId, place.field]));

export const createSecretSalt = (): string => randomBytes(32).toString('base64');

export const createSecretVault = (
  client: KMSClient,
  keyId: string,
  table: RecordsTable,
  now: () => number = Date.now,
): SecretVault => {
  const cache = new Map<number, { readonly key: Promise<Buffer>; readonly until: number }>();

  const unwrap = async (bucket: number): Promise<Buffer> => {
    const EncryptionContext = { purpose: 'mailbox-sync-secrets', bucket: String(bucket) };
    const place = { pk: 'deployment#bucketKey', sk: String(bucket) };
    for (;;) {
      const stored = await table.get(place);
      if (stored !== undefined) {
        const { Plaintext } = await client.send(
          new DecryptCommand({
            CiphertextBlob: Buffer.from(String(stored['wrapped']), 'base64'),
            EncryptionContext,
            KeyId: keyId,
          }),
        );
        if (Plaintext === undefined) throw new Error('The key service returned no key');
        return Buffer.from(Plaintext);
      }
      const { CiphertextBlob } = await client.send(
        new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: 'AES_256', EncryptionContext }),
      );
      if (CiphertextBlob === undefined) throw new Error('The key service returned no key');
      try {
        await table.write([
          {
            put: { ...place, v: 1, wrapped: Buffer.from(CiphertextBlob).toString('base64') },
            condition: { expression: 'attribute_not_exists(pk)' },
          },
        ]);
      } catch (error) {
        // Another function was first: its key is the one.
        if (!(error instanceof WriteConditionError)) throw error;
      }
    }
  };

  const bucketKey = (bucket: number): Promise<Buffer> => {
    const cached = cache.get(bucket);
    if (cached !== undefined && cached.until > now()) return cached.key;
    const key = unwrap(bucket);
    cache.set(bucket, { key, until: now() + bucketKeyLifetimeMilliseconds });
    key.catch(() => cache.delete(bucket));
    return key;
  };

  const organizationKey = async (place: SecretPlace): Promise<Buffer> =>
    Buffer.from(
      hkdfSync(
        'sha256',
        await bucketKey(bucketOf(place.organizationId)),
        Buffer.from(place.salt, 'base64'),
        `mailbox-sync ${place.organizationId}`,
        32,
      ),
    );

  return {
    seal: async (place, secret, at) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', await organizationKey(place), nonce);
      cipher.setAAD(associatedData(place));
      const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      const parts = [nonce, cipher.getAuthTag(), sealed].map((part) => part.toString('base64'));
      return { sealed: [form, ...parts].join('$'), setAt: at.toISOString() };
    },
    open: async (place, secret) => {
      const [version, nonce, tag, sealed] = secret.sealed.split('$');
      if (version !== form || nonce === undefined || tag === undefined || sealed === undefined)
        throw new Error('The sealed secret has an unknown form');
      const decipher = createDecipheriv('aes-256-gcm', await organizationKey(place), Buffer.from(nonce, 'base64'));
      decipher.setAAD(associatedData(place));
      decipher.setAuthTag(Buffer.from(tag, 'base64'));
      return Buffer.concat([decipher.update(Buffer.from(sealed, 'base64')), decipher.final()]).toString('utf8');
    },
  };
};
