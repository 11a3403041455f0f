import { callAlerts } from './calls.ts';
import { operatorAlerts } from './operator.ts';
import { recordAlerts } from './records.ts';
import type { Alert } from './rule.ts';
import { workerAlerts } from './worker.ts';

/** All alerts, by group. */
export const alertGroups = {
  'chaperone-calls': callAlerts,
  'chaperone-records': recordAlerts,
  'chaperone-operator': operatorAlerts,
  'chaperone-worker': workerAlerts,
} as const satisfies Readonly<Record<string, Readonly<Record<string, Alert>>>>;

export type AlertName =
  | keyof typeof callAlerts
  | keyof typeof recordAlerts
  | keyof typeof operatorAlerts
  | keyof typeof workerAlerts;

/** All alerts by name. Each has a runbook, `docs/runbooks/NAME.md`. */
export const alerts: Readonly<Record<AlertName, Alert>> = {
  ...callAlerts,
  ...recordAlerts,
  ...operatorAlerts,
  ...workerAlerts,
};
