import { eventually } from '../../../local/eventually.ts';
import type { Drill, DrillWorld } from '../drill.ts';
import { companiesOf, everyMailbox } from '../drill.ts';

type Item = Readonly<Record<string, unknown>>;
type Tear = (item: Item) => Item;

const without =
  (...names: readonly string[]): Tear =>
  (item) =>
    Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)));

/** One for each mailbox of a company. */
const tears: readonly (readonly [workload: 'incoming' | 'outgoing', tear: Tear])[] = [
  ['incoming', without('generation', 'enabled', 'cursors')],
  ['incoming', (item) => ({ ...item, generation: 'seven', due: 'soon' })],
  ['incoming', (item) => ({ ...item, cursors: [], wakes: 'none' })],
  ['incoming', (item) => ({ ...item, due: null })],
  ['incoming', () => ({})],
  ['outgoing', (item) => ({ ...without('wakes')(item), consecutiveFailures: '0' })],
];

const tornMailboxes = ({ timed, queued }: DrillWorld): readonly string[] =>
  [timed, queued].flatMap(({ mailboxes }) => mailboxes.slice(0, tears.length).map(({ mailboxId }) => mailboxId));

const findAlerts = async (world: DrillWorld): Promise<ReadonlySet<string | null>> => {
  const alerts = await Promise.all(companiesOf(world).map((company) => company.openAlerts()));
  return new Set(alerts.flat().flatMap(({ code, mailboxId }) => (code === 'cycleRebuilt' ? [mailboxId] : [])));
};

export const tornCycles: Drill = {
  name: 'torn',
  what: 'the cycle item of every mailbox torn: attributes removed, of wrong types, or all gone but the key',
  alarms: ['watchdog-errors', 'incoming-oldest-lateness'],
  stopsMailboxes: true,
  breakIt: async (world) => {
    await everyMailbox(world, async (company, { mailboxId }, index) => {
      const [workload, tear] = tears[index] ?? [];
      if (workload === undefined || tear === undefined) return;
      await world.tools.tearCycle(company.organizationId, mailboxId, workload, tear);
    });
    await everyMailbox(world, async (company, mailbox) => {
      await company.send(mailbox);
      await company.receive(mailbox);
    });
  },
  tell: async (world) => {
    const expected = tornMailboxes(world);
    const alerted = await eventually(
      async () => {
        const found = await findAlerts(world);
        return expected.every((mailboxId) => found.has(mailboxId)) ? found : undefined;
      },
      { what: 'each torn mailbox has an alert cycleRebuilt', seconds: 30 },
    );
    return `alert \`cycleRebuilt\` on each of ${alerted.size} mailboxes`;
  },
};
