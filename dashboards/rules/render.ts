import { stringify } from 'yaml';
import { runbooks } from '../panel.ts';
import { alertGroups } from './alerts.ts';
import { recordingRules } from './recording.ts';
import type { Alert } from './rule.ts';

const banner = '# Generated from dashboards/rules by `npm run generate`: edit that.\n';

/** Makes a file of rules, as Prometheus reads it. */
export function renderRules(): string {
  const groups = [
    { name: 'chaperone-recording', rules: recordingRules },
    ...Object.entries(alertGroups).map(([name, alerts]) => ({
      name,
      rules: Object.entries<Alert>(alerts).map(([alert, rule]) => renderAlert(alert, rule)),
    })),
  ];
  return `${banner}${stringify({ groups }, { lineWidth: 0 })}`;
}

const tableStart = '<!-- alerts: generated from dashboards/rules by `npm run generate` -->';
const tableEnd = '<!-- /alerts -->';

/** Puts the table of alerts into a document, between its marks. */
export function renderAlertTable(document: string): string {
  const rows = Object.values<Readonly<Record<string, Alert>>>(alertGroups).flatMap((alerts) =>
    Object.entries(alerts).map(([name, { severity, summary, for: lasts = '' }]) => {
      const text = summary.replaceAll(/\{\{ \$(?:labels\.)?(\w+)[^}]*\}\}/g, '*$1*');
      return `| [${name}](runbooks/${name}.md) | ${severity} | ${lasts} | ${text} |`;
    }),
  );
  const [before = ''] = document.split(tableStart);
  const [, after = ''] = document.split(tableEnd);
  const table = ['| alert | severity | for | says |', '| --- | --- | --- | --- |', ...rows].join('\n');
  return `${before}${tableStart}\n\n${table}\n\n${tableEnd}${after}`;
}

/** The whole query of an alert. */
export function exprOf({ measure, fires }: Alert): string {
  return fires === undefined ? measure : `${measure} ${fires}`;
}

function renderAlert(alert: string, rule: Alert) {
  const { severity, summary, description } = rule;
  return {
    alert,
    expr: exprOf(rule),
    ...(rule.for !== undefined && { for: rule.for }),
    labels: { severity },
    annotations: { summary, description, runbook_url: `${runbooks}/${alert}.md` },
  };
}
