import { writeFileSync } from 'node:fs';
import * as z from 'zod';
import { type SettingField, settingFields } from '../../shared/organization/setting-fields.ts';
import { trackingRules } from '../unit/tracking/rules/index.ts';
import { areas, shownWithoutName } from './areas.ts';
import { leftOut } from './left-out.ts';
import { readTests } from './read-tests.ts';

/** A line of the page. */
interface Shown {
  readonly rule: string;
  readonly settings: readonly SettingField[];
  readonly file: string;
}

const nameOf = ({ path }: SettingField): string => path.join('.');

const fieldOf = (name: string): SettingField => {
  const field = settingFields.find((one) => nameOf(one) === name);
  if (field === undefined) throw new Error(`There is no setting ${name}`);
  return field;
};

/** Settings that a test changes: objects as deep as the setting's path. */
const changedIn = (body: string): readonly SettingField[] =>
  settingFields.filter(({ path }) => {
    const [first = '', ...rest] = path;
    const pattern = rest.map((name) => `\\{[^{}]*?\\b${name}\\b(?=[\\s:,}])[^{}]*?`).join('');
    return new RegExp(`\\b${first}\\b: ${pattern}`, 's').test(body);
  });

const namedFor = (sentence: string): readonly SettingField[] =>
  shownWithoutName.filter(({ title }) => sentence.includes(title)).map(({ setting }) => fieldOf(setting));

const defaultOf = (field: SettingField): string => {
  const { default: value } = z.toJSONSchema(field.schema, { io: 'input' });
  return Array.isArray(value) && value.length > 6 ? `${value.length} entries` : `\`${JSON.stringify(value)}\``;
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '\\<');
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const link = (file: string): string => `[${file.split('/').at(-1)}](../${file})`;
const known = ({ dynamics365Name }: SettingField): string =>
  dynamics365Name === undefined ? '' : cell(dynamics365Name);
const list = <Item>(items: readonly Item[], show: (item: Item) => string): string => items.map(show).join('<br>');

const rulesTable = (shown: readonly Shown[]): string =>
  [
    row('Rule', 'Setting', 'Dynamics 365', 'Default', 'Test'),
    row('---', '---', '---', '---', '---'),
    ...shown.map(({ rule, settings, file }) =>
      row(
        cell(rule.charAt(0).toUpperCase() + rule.slice(1)),
        list(settings, (field) => `\`${nameOf(field)}\``),
        list(settings, known),
        list(settings, defaultOf),
        link(file),
      ),
    ),
  ].join('\n');

const byArea: readonly (readonly [string, readonly Shown[]])[] = [
  ...Object.entries(trackingRules).map(
    ([about, rules]) =>
      [
        about,
        rules.map(({ rule, settings = [] }) => ({
          rule,
          settings: settings.map(fieldOf),
          file: 'test/unit/tracking/rules.test.ts',
        })),
      ] as const,
  ),
  ...Object.entries(areas).map(
    ([about, patterns]) =>
      [
        about,
        readTests(patterns).map(({ title, body, file }) => ({
          rule: title,
          settings: [...new Set([...changedIn(body), ...namedFor(title)])],
          file,
        })),
      ] as const,
  ),
].filter(([, shown]) => shown.length > 0);

const untitled = shownWithoutName.find(
  ({ title }) => !byArea.some(([, shown]) => shown.some(({ rule }) => rule.includes(title))),
);
if (untitled !== undefined) throw new Error(`There is no test with ${untitled.title} in its title`);

const settingsTable = (): string => {
  const all = byArea.flatMap(([, shown]) => shown);
  return [
    row('Setting', 'Dynamics 365', 'Default', 'Tests that show it'),
    row('---', '---', '---', '---'),
    ...settingFields.map((field) => {
      const files = new Set(all.filter(({ settings }) => settings.includes(field)).map(({ file }) => file));
      return row(`\`${nameOf(field)}\``, known(field), defaultOf(field), list([...files], link));
    }),
  ].join('\n');
};

const page = [
  '# Rules',
  'Made from the titles of tests and the schema of settings (`npm run docs`); do not edit. Each rule is the title of a test that shows it. What a setting does stands in [the settings](settings-reference.md).',
  ...byArea.map(([about, shown]) => `## ${about}\n\n${rulesTable(shown)}`),
  `## Settings\n\nA setting without a test here is about something other than email, or shown elsewhere.\n\n${settingsTable()}`,
  `## Left out\n\n${[row('Rule', 'Why'), row('---', '---'), ...leftOut.map(({ rule, why }) => row(cell(rule), cell(why)))].join('\n')}`,
].join('\n\n');

writeFileSync(new URL('../../docs/rules.md', import.meta.url), `${page}\n`);
