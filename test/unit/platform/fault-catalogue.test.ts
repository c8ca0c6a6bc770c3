import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { answerProblemPage } from '../../../functions/api/problem-page.ts';
import { type FaultCode, faultCatalogue, isReserved } from '../../../shared/platform/fault-catalogue.ts';

const root = new URL('../../..', import.meta.url).pathname;
const codes = Object.keys(faultCatalogue) as FaultCode[];
const entries = codes.map((code) => [code, faultCatalogue[code]] as const);
const sources = globSync(['shared/**/*.ts', 'functions/**/*.ts'], { cwd: root })
  .filter((path) => !path.includes('/platform/faults/') && !path.endsWith('alert-rules.ts'))
  .map((path) => readFileSync(`${root}${path}`, 'utf8'))
  .join('\n');
const documented = readFileSync(`${root}docs/problems.md`, 'utf8');

describe('the catalogue of faults', () => {
  it.each(entries)('%s says what happened, why, what to do and who acts, in full words', (_, entry) => {
    for (const text of [entry.title, entry.cause]) expect(text).toMatch(/^[^\s].{8,}[^\s.]$/);
    expect(entry.fix).toMatch(/^Nothing$|^[^\s].{8,}[^\s.]$/);
    expect(new Set([entry.title, entry.cause, entry.fix]).size).toBe(3);
  });

  it('has an HTTP status for faults that answer requests, each of those that the API has', () => {
    const statuses = new Set(entries.flatMap(([, { status }]) => status ?? []));
    expect([...statuses].sort()).toEqual([400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 429, 500, 503]);
  });

  it('says whose turn it is where there is something to do', () => {
    for (const [code, { fix, whoActs }] of entries) if (whoActs === 'nobody') expect(fix, code).toMatch(/^Nothing/);
  });

  it('lists nothing that is never given, except what is reserved', () => {
    const unused = codes.filter((code) => !new RegExp(`['"\`]${code}['"\`]|\\b${code}:`).test(sources));
    expect(unused.filter((code) => !isReserved(code))).toEqual([]);
  });

  it('reserves nothing that is given', () => {
    const given = codes.filter((code) => new RegExp(`(?:Error|createFault)\\(\\s*'${code}'`).test(sources));
    expect(given.filter(isReserved)).toEqual([]);
  });

  it.each([
    [409, ['onHold', 'directionFixed']],
    [413, ['migrationTooLarge']],
    [422, ['unreadableFile']],
  ])('keeps %i for the reserved answers that have it', (status, reserved) => {
    expect(codes.filter((code) => isReserved(code) && faultCatalogue[code].status === status).sort()).toEqual(
      [...reserved].sort(),
    );
  });

  it('lacks no code that is given', () => {
    const given = [...sources.matchAll(/(?:new (?:Fault|Transport)Error|createFault)\(\s*'(\w+)'/g)].map(
      ([, code]) => code,
    );
    expect(given.length).toBeGreaterThan(150);
    expect(given.filter((code) => !codes.some((known) => known === code))).toEqual([]);
  });

  it.each(codes)('%s has its page at the hub and in the documents', (code) => {
    const { status, body } = answerProblemPage('GET', [code]);
    expect(status).toBe(200);
    for (const heading of ['What happened', 'Why', 'What to do', 'Who acts']) expect(body).toContain(heading);
    expect(documented).toContain(`\n### ${code}\n`);
  });
});
