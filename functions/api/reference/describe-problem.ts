import { alertRules } from '../../../shared/alert/alert-rules.ts';
import { type FaultCode, faultCatalogue, isReserved } from '../../../shared/platform/fault-catalogue.ts';

const actors = {
  caller: 'Whoever sent the request',
  mailboxOwner: 'The owner of the mailbox',
  administrator: 'An administrator of the organization',
  operator: 'The operator of the deployment',
  nobody: 'Nobody has to',
} as const;

const subjectNames: Readonly<Record<string, string>> = {
  serverProfile: 'server profile',
  deadLetter: 'dead letter',
  folderRule: 'folder rule',
};

const enders = { itself: 'It clears itself', hand: 'A person clears it' } as const;

/** A code as people read it: heading and text, in the order in which they ask. */
export const describeProblem = (code: FaultCode): readonly (readonly [heading: string, text: string])[] => {
  const { title, status, cause, fix, whoActs } = faultCatalogue[code];
  const alerts = alertRules.filter(({ codes }) => codes.includes(code));
  return [
    ['What happened', title],
    ['Why', cause],
    ['What to do', fix],
    ['Who acts', actors[whoActs]],
    [
      'Where it appears',
      `${status === undefined ? 'Inside results, alerts, deliveries and decisions' : `HTTP ${status}`}${isReserved(code) ? '; reserved: nothing in this release gives it yet' : ''}`,
    ],
    ...alerts.map(({ subjects, levels, raised, clearedBy, cleared }) => {
      const subject = subjects.map((name) => subjectNames[name] ?? name).join(', ');
      return [
        `Alert about the ${subject} (${levels.join(', ')})`,
        `${raised}. ${enders[clearedBy]}: ${cleared.charAt(0).toLowerCase()}${cleared.slice(1)}`,
      ] as const;
    }),
  ];
};
