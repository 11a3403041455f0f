import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { skip } from './cluster-under-test.ts';
import { organization } from './resources.ts';
import { type RunningOperator, type Stage, setStage } from './stage.ts';

const lamp = '---\ntitle: Pair a lamp\n---\nPlug in the lamp.';
const labels = { 'chaperone.dev/knowledge-base': 'acme' };

describe('articles in ConfigMaps', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let operator: RunningOperator;

  const resources = async () => {
    const { rows } = await stage.db.query<{ resource: string; version: number }>(
      'select resource, version from chaperone.knowledge_articles order by resource',
    );
    return rows.map(({ resource, version }) => `${resource} ${version}`);
  };
  const untilResources = (...expected: readonly string[]) =>
    until(async () => (await resources()).join() === expected.join(), `the articles to be ${expected.join(', ')}`);
  const condition = async () => {
    const found = await stage.hands.find('Organization', 'acme');
    return found?.status?.conditions?.find(({ type }) => type === 'ArticlesReady');
  };

  before(async () => {
    stage = await setStage(scope);
    await stage.hands.create('Namespace', 'docs');
    operator = await stage.startOperator();
    await stage.hands.create('ConfigMap', 'docs/lamps', { data: { 'pair.md': lamp } }, { labels });
    await stage.hands.create('ConfigMap', 'web/foreign', { data: { 'pair.md': lamp } }, { labels });
    await stage.hands.create('ConfigMap', 'docs/unlabelled', { data: { 'pair.md': lamp } });
    await stage.hands.create('Organization', 'acme', organization());
    await stage.hands.untilReason('Organization', 'acme', 'Ready');
  });

  test('are those of the namespaces that the Organization names', async () => {
    assert.deepEqual(await resources(), []);
    await stage.hands.change('Organization', 'acme', { spec: { knowledgeBase: { namespaces: ['docs'] } } });
    await untilResources('ConfigMap/docs/lamps/pair.md 1');
    assert.equal(operator.cluster.get('ConfigMap', 'docs', 'unlabelled'), undefined, 'its content is not read');
  });

  test('follow their ConfigMap', async () => {
    await stage.hands.change('ConfigMap', 'docs/lamps', {
      data: { 'pair.md': lamp.replace('Plug', 'Screw'), 'reset.md': lamp },
    });
    await untilResources('ConfigMap/docs/lamps/pair.md 2', 'ConfigMap/docs/lamps/reset.md 1');
    await stage.hands.create('ConfigMap', 'docs/bills', { data: { 'bill.md': lamp } }, { labels });
    await untilResources(
      ...['ConfigMap/docs/bills/bill.md 1', 'ConfigMap/docs/lamps/pair.md 2', 'ConfigMap/docs/lamps/reset.md 1'],
    );
    await stage.hands.remove('ConfigMap', 'docs/bills');
    await untilResources('ConfigMap/docs/lamps/pair.md 2', 'ConfigMap/docs/lamps/reset.md 1');
  });

  test('stay in force with a mistake, which a condition names', async () => {
    await stage.hands.change('ConfigMap', 'docs/lamps', {
      data: { 'pair.md': '---\ntitle: 5\n---\nb', 'reset.md': null },
    });
    const { status, reason, message } = await until(async () => {
      const found = await condition();
      return found?.status === 'False' && found;
    }, 'the condition to be false');
    assert.deepEqual([status, reason], ['False', 'ArticleInvalid']);
    assert.match(message, /ConfigMap\/docs\/lamps\/pair\.md, line 2: title must be a text/);
    await untilResources('ConfigMap/docs/lamps/pair.md 2');
    await stage.hands.change('ConfigMap', 'docs/lamps', { data: { 'pair.md': lamp } });
    await untilResources('ConfigMap/docs/lamps/pair.md 3');
    await until(async () => (await condition())?.status === 'True', 'the condition to be true');
  });

  test('are there after a start of the operator, and go with their label', async () => {
    await operator.stop();
    operator = await stage.startOperator();
    await operator.idle();
    assert.deepEqual(await resources(), ['ConfigMap/docs/lamps/pair.md 3']);
    await stage.hands.change('ConfigMap', 'docs/lamps', {
      metadata: { labels: { 'chaperone.dev/knowledge-base': null } },
    });
    await untilResources();
  });
});
