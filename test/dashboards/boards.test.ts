import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { alerts } from '../../dashboards/rules/alerts.ts';
import { repository } from '../directories.ts';
import { dashboards } from './promql.ts';

const runbooks = join(repository, 'docs', 'runbooks');

describe('dashboards', () => {
  const panels = dashboards.flatMap(({ uid, panels }) =>
    panels.filter(({ type }) => type !== 'row').map((panel) => ({ ...panel, place: `${uid}: ${panel.title}` })),
  );

  test('ask a question in each panel, explain it, and state unit, thresholds and data source', () => {
    assert.ok(panels.length > 80);
    for (const { place, title, description = '', fieldConfig, datasource, targets = [] } of panels) {
      assert.match(title, /^(How|What|Which|Who|Is|Do|Does|Can|Where) .*\?$/, place);
      assert.match(description, /\w.*\.$/s, place);
      assert.ok(fieldConfig?.defaults.unit && fieldConfig.defaults.thresholds, place);
      assert.deepEqual(datasource, { type: 'prometheus', uid: `\${datasource}` }, place);
      assert.ok(targets.length > 0, place);
    }
  });

  test('have titles that differ, and panels that do not overlap', () => {
    for (const { uid, panels } of dashboards) {
      assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length, uid);
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, uid);
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
      );
      assert.equal(new Set(cells).size, cells.length, uid);
      assert.ok(
        panels.every(({ gridPos: { x, w } }) => x + w <= 24),
        uid,
      );
    }
  });

  test('use each of their variables, and no other', () => {
    for (const { uid, templating, ...rest } of dashboards) {
      const known = templating.list.map(({ name }) => name);
      const text = JSON.stringify([rest, templating.list.map(({ definition }) => definition)]);
      const used = new Set([...text.matchAll(/\$\{?([a-z]\w*)/g)].map(([, name]) => name ?? ''));
      assert.deepEqual([...used].toSorted(), known.toSorted(), uid);
    }
  });

  test('link to runbooks, and every alert is linked somewhere', () => {
    const linked = panels.flatMap(({ links = [] }) =>
      links.map(({ url }) => /^\$\{runbooks:raw\}\/(\w+)\.md$/.exec(url)?.[1] ?? url),
    );
    assert.deepEqual([...new Set(linked)].toSorted(), Object.keys(alerts).toSorted());
  });
});

describe('runbooks', () => {
  test('are there for each alert, and for nothing else', () => {
    const names = globSync('*.md', { cwd: runbooks }).map((file) => file.replace('.md', ''));
    assert.deepEqual(names.filter((name) => name !== 'README').toSorted(), Object.keys(alerts).toSorted());
  });

  for (const name of Object.keys(alerts)) {
    test(`${name} says what it means, what to look at and what to do`, () => {
      const text = readFileSync(join(runbooks, `${name}.md`), 'utf8');
      const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
      assert.deepEqual(headings, [name, 'What it means', 'What to look at', 'What to do']);
      const titles = new Set(dashboards.flatMap(({ panels }) => panels.map(({ title }) => title)));
      for (const [, title = ''] of text.matchAll(/\*([A-Z][^*]*\?)\*/g)) assert.ok(titles.has(title), title);
      for (const [, file = ''] of text.matchAll(/\]\(([^)#]+)/g)) assert.ok(existsSync(join(runbooks, file)), file);
    });
  }
});
