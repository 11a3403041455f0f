import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { addJobOf } from '../../database/jobs.ts';
import { connect } from '../database/tenant.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { emptyQueries, needApiServer, unusedMetrics } from './exceptions.ts';
import { type Product, startProduct } from './product.ts';
import { type Prometheus, type Sample, skip, startPrometheus } from './prometheus.ts';
import { dashboards, interpolate, metricsIn, type PlacedQuery, panelQueries, ruleFile, ruleQueries } from './promql.ts';
import { makeTraffic } from './traffic.ts';

/** A real Prometheus scrapes the product under traffic of every kind, and evaluates every query. */
describe('dashboards, rules and metrics', { skip }, () => {
  const scope = suiteScope();
  let product: Product;
  let prometheus: Prometheus;

  before(async () => {
    product = await startProduct(scope);
    prometheus = await startPrometheus(scope, product.targets, [ruleFile]);
    await buryJob(product);
    // A warning is given once, so its series must have been seen before.
    await until(
      async () => (await prometheus.query('chaperone_budget_warnings_total == 0')).length > 0,
      'the budgets to be watched',
    );
    // A series shows a rate from its second change on.
    for (let round = 0; round < 2; round += 1) {
      await makeTraffic(scope, product);
      await prometheus.untilScraped();
    }
    await until(async () => (await prometheus.query('chaperone_jobs{state="dead"} > 0')).length > 0, 'the dead letter');
    // A rule may look at what the rule before it has recorded.
    for (let scrape = 0; scrape < 2; scrape += 1) await prometheus.untilScraped();
  });

  /** A job of an organization that the worker has no credentials of, which may not be on their way any more. */
  async function buryJob({ database }: Product): Promise<void> {
    const owner = await connect(scope, database.url);
    await addJobOf(owner, randomUUID(), { task: 'analyze-conversation', id: 'nothing', attempts: 1 });
    await owner.query(`update graphile_worker._private_jobs set created_at = now() - interval '1 hour'`);
  }

  const hasData = (samples: readonly Sample[]) => samples.some(({ value }) => !Number.isNaN(value));

  async function assertData(queries: readonly PlacedQuery[]): Promise<void> {
    const empty: string[] = [];
    for (const { place, expr } of queries) if (!hasData(await prometheus.query(expr))) empty.push(place);
    const places = new Set(queries.map(({ place }) => place));
    const excepted = [...Object.keys(emptyQueries), ...Object.keys(needApiServer)].filter((place) => places.has(place));
    assert.deepEqual(empty.toSorted(), excepted.toSorted());
  }

  test('every query of every panel returns data, or says why not', () => assertData(panelQueries()));

  test('every rule looks at data, or says why not', () => assertData(ruleQueries()));

  test('Prometheus evaluates every rule', async () => assert.deepEqual(await prometheus.brokenRules(), []));

  test('every variable has the values of the product', async () => {
    const values: Record<string, readonly string[]> = {};
    for (const { uid, templating } of dashboards) {
      for (const { name, type, definition = '' } of templating.list) {
        if (type !== 'query') continue;
        const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
        values[`${uid} ${name}`] = await prometheus.labelValues(label, interpolate(selector));
      }
    }
    assert.deepEqual(values, {
      'chaperone-organization organization': ['acme'],
      'chaperone-organization namespace': ['default'],
      'chaperone-organization workload': ['assistant'],
      'chaperone-sre organization': ['acme'],
      'chaperone-sre namespace': ['default'],
      'chaperone-sre workload': ['assistant'],
      'chaperone-operator job': ['chaperone-metrics'],
      'chaperone-operator organization': ['acme'],
      // chaperone_sidecars needs an API server.
      'chaperone-operator namespace': [],
      'chaperone-worker job': ['chaperone-workers'],
      'chaperone-worker organization': ['acme'],
    });
  });

  test('every metric is in a query, or says why not', async () => {
    const metrics = new Set<string>();
    for (const { port } of product.targets) {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      for (const [, name = ''] of text.matchAll(/^# TYPE (\S+)/gm)) metrics.add(name);
    }
    assert.ok(metrics.size > 80, String(metrics.size));
    const used = metricsIn([...panelQueries(), ...ruleQueries()]);
    const isUsed = (name: string) => ['', '_bucket', '_sum', '_count'].some((part) => used.has(name + part));
    // Which of Node's own there are depends on the system.
    assert.deepEqual(
      [...metrics].filter((name) => !isUsed(name) && !(name in unusedMetrics)),
      [],
    );
    assert.deepEqual(Object.keys(unusedMetrics).filter(isUsed), []);
  });

  test('a thousand users and as many unknown models make no series', async () => {
    const countSeries = async () =>
      Object.fromEntries(
        (
          await prometheus.query('count by (__name__) ({job="chaperone-sidecars",__name__=~"(chaperone|gen_ai)_.+"})')
        ).map(({ metric, value }) => [metric.__name__, value]),
      );
    await callAs('first', 'unknown-model');
    await prometheus.untilScraped();
    const before = await countSeries();
    await Promise.all(
      Array.from({ length: 20 }, async (_, lane) => {
        for (let call = lane; call < 1_000; call += 20) await callAs(`user-${call}`, `unknown-model-${call}`);
      }),
    );
    await prometheus.untilScraped();
    assert.deepEqual(await countSeries(), before);
  });

  async function callAs(user: string, model: string): Promise<void> {
    const answer = await fetch(`${product.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${product.token}`, 'x-user-id': user, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
    });
    assert.equal(answer.status, 200, await answer.text());
  }
});
