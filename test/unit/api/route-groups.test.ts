import { describe, expect, it } from 'vitest';
import { loadRoutes, routeGroups } from '../../../functions/api/routes/index.ts';

describe('the groups of routes', () => {
  it.each(Object.entries(routeGroups))('%s holds the routes that begin with it', async (name, load) => {
    const firstParts = (await load()).map(({ path }) => path.split('/')[1]);
    expect([...new Set(firstParts)]).toEqual([name]);
  });

  it('offer no method of a path twice', async () => {
    const offered = (await loadRoutes()).map(({ method, path }) => `${method} ${path.replaceAll(/\{[^}]*\}/g, '{}')}`);
    expect(offered.toSorted()).toEqual([...new Set(offered)].toSorted());
  });
});
