import { describe, expect, inject, it } from 'vitest';
import type { JsonObject } from '../support/hub-client.ts';
import { createOrganization } from '../support/organization-setup.ts';

const cloud = inject('localCloud');

describe('an externalId in a path, through the gateway', () => {
  it('arrives as it was before it was escaped, whatever it is made of', async () => {
    const { hub } = await createOrganization(cloud, { name: 'Contoso', kind: 'sandbox' });
    const externalIds = ['a/b', 'ä/b c', 'a//b/', 'a%2Fb', '100%', 'a+b', '€?#'];

    const stored: unknown[] = [];
    for (const externalId of externalIds) {
      const path = `/records/contact/ext:${encodeURIComponent(externalId)}`;
      await hub.put<JsonObject>(path, { displayName: externalId });
      stored.push((await hub.get<JsonObject>(path))['externalId']);
    }

    expect(stored).toEqual(externalIds);
  });
});
