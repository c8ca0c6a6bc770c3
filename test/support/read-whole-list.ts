import type { HubClient } from './hub-client.ts';

/** Every item of a list, page by page. `path` may hold filters. */
export const readWholeList = async <Item>(hub: HubClient, path: string): Promise<readonly Item[]> => {
  const found: Item[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const next: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { readonly data: readonly Item[]; readonly nextCursor: string | null } = await hub.get(
      `${path}${path.includes('?') ? '&' : '?'}limit=200${next}`,
    );
    found.push(...page.data);
    cursor = page.nextCursor;
  }
  return found;
};
