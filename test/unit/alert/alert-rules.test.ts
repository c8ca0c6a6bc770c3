import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { alertRuleOf, alertRules, connectionCodes } from '../../../shared/alert/alert-rules.ts';
import { isShownToUser } from '../../../shared/alert/alerts-for-user.ts';
import { settingsSchema } from '../../../shared/organization/settings.ts';
import { faultCatalogue } from '../../../shared/platform/fault-catalogue.ts';
import { transportErrorCodes } from '../../../shared/transport/transport-error.ts';

const root = new URL('../../..', import.meta.url).pathname;
const sources = globSync(['shared/**/*.ts', 'functions/**/*.ts'], { cwd: root }).map((path) => ({
  path,
  text: readFileSync(`${root}${path}`, 'utf8'),
}));

/** Codes that a file names where it raises alerts. */
const raisedIn = sources
  .filter(({ text }) => /\b(?:raiseAlert|alertWrites)\(/.test(text))
  .flatMap(({ path, text }) => [...text.matchAll(/createFault\(\s*'(\w+)'/g)].map(([, code = '']) => ({ path, code })));

const rows = alertRules.flatMap((rule) =>
  rule.codes.flatMap((code) => rule.subjects.map((subject) => ({ ...rule, code, subject }))),
);

describe('the table of alerts', () => {
  it('has each code and subject once', () => {
    const names = rows.map(({ code, subject }) => `${code} ${subject}`);
    expect(names).toEqual([...new Set(names)]);
  });

  it('knows every code that is raised', () => {
    expect(raisedIn.length).toBeGreaterThan(8);
    for (const { path, code } of raisedIn)
      expect({ path, code, known: rows.some((row) => row.code === code) }).toMatchObject({ known: true });
  });

  it('knows whatever a server can be at fault for, at the mailbox, at the profile and at an email, and how it clears', () => {
    expect([...connectionCodes].sort()).toEqual([...transportErrorCodes].sort());
    for (const code of transportErrorCodes)
      for (const subject of ['mailbox', 'serverProfile', 'email'])
        expect(alertRuleOf(code, subject)?.clearedBy).toBe('itself');
  });

  it.each(rows)('$code of a $subject says when it is raised, what ends it and what may be done', (row) => {
    expect(faultCatalogue[row.code].fix).not.toBe('');
    expect(row.raised.length).toBeGreaterThan(10);
    expect(row.cleared.length).toBeGreaterThan(10);
    for (const level of Object.keys(row.actions ?? {})) expect(row.levels).toContain(level);
  });

  it('names for every alert that clears itself a place that clears it', () => {
    const clearing = sources.filter(({ text }) => /clear\w*Alerts?\(|clearingWrites\(|clearFaultAlert\(/.test(text));
    const named = clearing.map(({ text }) => text).join('\n');
    const viaFault = new Set(
      rows.filter(({ subject }) => ['email', 'deadLetter'].includes(subject)).map(({ code }) => code),
    );
    for (const { code, clearedBy } of rows)
      if (clearedBy === 'itself' && !viaFault.has(code) && !connectionCodes.some((one) => one === code))
        expect(named, code).toContain(`'${code}'`);
  });
});

describe('users', () => {
  const settings = settingsSchema.parse({});
  const alert = { level: 'error', mailboxId: 'mbx_1' } as const;

  it('see errors and information of their own mailbox, warnings only where the organization wants it', () => {
    expect(isShownToUser(alert, settings, 'mbx_1')).toBe(true);
    expect(isShownToUser({ ...alert, level: 'information' }, settings, 'mbx_1')).toBe(true);
    expect(isShownToUser({ ...alert, level: 'warning' }, settings, 'mbx_1')).toBe(false);
    const all = settingsSchema.parse({ alerts: { userLevels: ['warning'] } });
    expect(isShownToUser({ ...alert, level: 'warning' }, all, 'mbx_1')).toBe(true);
    expect(isShownToUser(alert, all, 'mbx_1')).toBe(false);
  });

  it('see nothing of others, and nothing that concerns no mailbox', () => {
    expect(isShownToUser(alert, settings, 'mbx_2')).toBe(false);
    expect(isShownToUser({ ...alert, mailboxId: null }, settings, 'mbx_1')).toBe(false);
  });
});
