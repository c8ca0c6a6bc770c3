import { DecryptCommand, type KMSClient } from '@aws-sdk/client-kms';

/**
 * A secret of the deployment itself, which its options hold as the ciphertext that the secrets key made of it. It is
 * opened when it is first asked for, and kept: another one comes with another deployment.
 *
 * @param purpose bound into the ciphertext as its encryption context
 */
export const createDeploymentSecret = (
  client: KMSClient,
  keyId: string,
  purpose: string,
  ciphertext: string,
): (() => Promise<string>) => {
  let opened: Promise<string> | undefined;
  const open = async (): Promise<string> => {
    const CiphertextBlob = Buffer.from(ciphertext, 'base64');
    const { Plaintext } = await client.send(
      new DecryptCommand({ KeyId: keyId, CiphertextBlob, EncryptionContext: { purpose } }),
    );
    if (Plaintext === undefined) throw new Error('The key service returned no secret');
    return Buffer.from(Plaintext).toString('utf8');
  };
  return () => {
    if (opened === undefined) {
      opened = open();
      opened.catch(() => {
        opened = undefined;
      });
    }
    return opened;
  };
};
