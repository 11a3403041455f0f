import type { JsonValue } from '../../crds/definition.ts';

type Case = readonly [
  title: string,
  changes: Readonly<Record<string, JsonValue | undefined>>,
  wrong?: readonly string[],
];

const collector = 'http://collector.observability.svc:4318';

/** What Organizations say about traces and logs. */
export const observabilityOfOrganizations: readonly Case[] = [
  ['traces', { traces: { endpoint: collector, samplingPercentage: 0.5, parents: 'Ignore' } }],
  ['traces as the environment says, but for their share', { traces: { samplingPercentage: 100 } }],
  ['a collector without a scheme', { traces: { endpoint: 'collector:4317' } }, ['spec.traces.endpoint']],
  ['a collector with a password', { traces: { endpoint: 'http://a:b@c' } }, ['spec.traces.endpoint']],
  ['a share above all', { traces: { samplingPercentage: 101 } }, ['spec.traces.samplingPercentage']],
  ['traces with contents', { traces: { contents: 'Full' }, storage: { contents: 'Full' } }],
  ['traces with contents, and storage as usual', { traces: { contents: 'Full' } }],
  [
    'traces with contents that must not be stored',
    { traces: { contents: 'Full' }, storage: { contents: 'None' } },
    ['spec'],
  ],
  ['traces without contents that must not be stored', { traces: {}, storage: { contents: 'None' } }],
  ['logs', { logs: { level: 'debug', access: true } }],
  ['an unknown level', { logs: { level: 'loud' } }, ['spec.logs.level']],
];
