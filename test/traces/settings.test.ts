import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readTraceEnvironment, type TraceSettings, urlOfTraces } from '../../traces/settings.ts';

const endpoint = 'http://collector:4318';
const usual: TraceSettings = {
  url: `${endpoint}/v1/traces`,
  headers: {},
  ratio: 1,
  followsParents: true,
  timeoutMs: 10_000,
};
/** The variables without their common beginning. */
const read = (variables: Readonly<Record<string, string>>) =>
  readTraceEnvironment(Object.fromEntries(Object.entries(variables).map(([name, value]) => [`OTEL_${name}`, value])));

describe('the environment of traces', () => {
  const table: readonly (readonly [title: string, variables: Record<string, string>, settings: object | undefined])[] =
    [
      ['nothing is exported without an endpoint', {}, undefined],
      ['an empty variable counts as absent', { EXPORTER_OTLP_ENDPOINT: ' ' }, undefined],
      ['the path is appended to the endpoint', { EXPORTER_OTLP_ENDPOINT: endpoint }, usual],
      [
        'also to one with a path',
        { EXPORTER_OTLP_ENDPOINT: `${endpoint}/otlp/` },
        { url: `${endpoint}/otlp/v1/traces` },
      ],
      [
        'the endpoint of traces is taken as it is, before the other one',
        { EXPORTER_OTLP_ENDPOINT: 'http://other', EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/traces` },
        { url: `${endpoint}/traces` },
      ],
      ['the program can be told not to', { EXPORTER_OTLP_ENDPOINT: endpoint, SDK_DISABLED: 'TRUE' }, undefined],
      ['traces alone can be off', { EXPORTER_OTLP_ENDPOINT: endpoint, TRACES_EXPORTER: 'none' }, undefined],
      [
        'headers are URL-encoded pairs, those of traces first',
        {
          EXPORTER_OTLP_ENDPOINT: endpoint,
          EXPORTER_OTLP_HEADERS: 'a=1',
          EXPORTER_OTLP_TRACES_HEADERS: ' k = a%20b , x=%, =y',
        },
        { headers: { k: 'a b', x: '%' } },
      ],
      [
        'a ratio with parents',
        { EXPORTER_OTLP_ENDPOINT: endpoint, TRACES_SAMPLER: 'parentbased_traceidratio', TRACES_SAMPLER_ARG: '0.01' },
        { ratio: 0.01, followsParents: true },
      ],
      [
        'a ratio alone',
        { EXPORTER_OTLP_ENDPOINT: endpoint, TRACES_SAMPLER: 'traceidratio', TRACES_SAMPLER_ARG: '0.5' },
        { ratio: 0.5, followsParents: false },
      ],
      [
        'never',
        { EXPORTER_OTLP_ENDPOINT: endpoint, TRACES_SAMPLER: 'always_off' },
        { ratio: 0, followsParents: false },
      ],
      ['the time limit', { EXPORTER_OTLP_ENDPOINT: endpoint, EXPORTER_OTLP_TIMEOUT: '500' }, { timeoutMs: 500 }],
      ['one that is none', { EXPORTER_OTLP_ENDPOINT: endpoint, EXPORTER_OTLP_TIMEOUT: 'soon' }, { timeoutMs: 10_000 }],
    ];
  for (const [title, variables, settings] of table) {
    it(title, () => {
      const environment = read(variables);
      assert.deepEqual(environment.settings, settings && { ...usual, ...settings });
      assert.equal(environment.problem, undefined);
    });
  }

  const wrong: readonly (readonly [variables: Record<string, string>, problem: RegExp])[] = [
    [{ EXPORTER_OTLP_ENDPOINT: 'collector:4317' }, /OTEL_EXPORTER_OTLP_ENDPOINT must be a URL such as/],
    [
      { EXPORTER_OTLP_ENDPOINT: endpoint, EXPORTER_OTLP_PROTOCOL: 'grpc' },
      /PROTOCOL must be http\/json, and is "grpc"/,
    ],
    [{ EXPORTER_OTLP_ENDPOINT: endpoint, TRACES_EXPORTER: 'zipkin' }, /TRACES_EXPORTER must be otlp or none/],
    [{ EXPORTER_OTLP_ENDPOINT: endpoint, TRACES_SAMPLER: 'xray' }, /TRACES_SAMPLER must be/],
    [
      { EXPORTER_OTLP_ENDPOINT: endpoint, TRACES_SAMPLER: 'traceidratio', TRACES_SAMPLER_ARG: '2' },
      /SAMPLER_ARG must be a number from 0 to 1/,
    ],
  ];
  for (const [variables, problem] of wrong) {
    it(`reports ${JSON.stringify(variables)}, and exports nothing`, () => {
      const environment = read(variables);
      assert.equal(environment.settings, undefined);
      assert.match(environment.problem ?? '', problem);
    });
  }

  it('does not quote an endpoint, which may have a password', () => {
    assert.doesNotMatch(read({ EXPORTER_OTLP_ENDPOINT: 'ftp://u:secret@collector' }).problem ?? '', /secret/);
  });

  it('reads who the program is', () => {
    const attributes = 'service.name=other,deployment.environment.name=test';
    const named = read({ SERVICE_NAME: 'gate', RESOURCE_ATTRIBUTES: attributes });
    assert.deepEqual([named.service, named.resource], ['gate', { 'deployment.environment.name': 'test' }]);
    assert.equal(read({ RESOURCE_ATTRIBUTES: attributes }).service, 'other');
  });

  it('takes a base URL with and without a slash', () => {
    for (const base of ['http://c:4318', 'http://c:4318/']) assert.equal(urlOfTraces(base), 'http://c:4318/v1/traces');
  });
});
