import { createIdentifier } from '../platform/identifier.ts';
import { deploymentScope, type RecordKey, type RecordsTable, recordKey } from '../platform/records-table.ts';
import { createToken } from './access-token.ts';

export const operatorKeyPlace = (keyId: string): RecordKey => recordKey(deploymentScope, 'operatorKey', keyId);

/** Makes an operator key and returns it; it cannot be read again. */
export const createOperatorKey = async (table: RecordsTable, now: Date): Promise<string> => {
  const id = createIdentifier('key', now.getTime());
  const { token, hash } = createToken({ type: 'operator', keyId: id });
  await table.write([
    {
      put: { ...operatorKeyPlace(id), v: 1, id, hash, createdAt: now.toISOString() },
      condition: { expression: 'attribute_not_exists(pk)' },
    },
  ]);
  return token;
};
