import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Organization } from '../../../crds/resources.generated.ts';
import { articlesLabel, fileAnnotation } from '../../../knowledge/article-files.ts';
import { gatherArticles } from '../../../operator/articles/gather.ts';
import { judgeArticles } from '../../../operator/articles/reconcile.ts';
import type { Cluster, ConfigMap } from '../../../operator/cluster/cluster.ts';

const organization = (name: string, namespaces?: string[]) =>
  ({ metadata: { name }, spec: { knowledgeBase: { ...(namespaces && { namespaces }) } } }) as unknown as Organization;
const configMap = (namespace: string, label: string | undefined, data: Record<string, string>, file?: string) =>
  ({
    kind: 'ConfigMap',
    metadata: {
      ...{ namespace, name: 'texts', labels: label === undefined ? {} : { [articlesLabel]: label } },
      ...(file !== undefined && { annotations: { [fileAnnotation]: file } }),
    },
    data,
  }) as unknown as ConfigMap;
const cluster = (organizations: readonly Organization[], configMaps: readonly ConfigMap[]) =>
  ({ list: (kind: string) => (kind === 'Organization' ? organizations : configMaps) }) as Pick<Cluster, 'list'>;

const file = '---\ntitle: a\n---\nb';
const acme = organization('acme', ['shop']);

const cases: readonly (readonly [title: string, maps: readonly ConfigMap[], resources: readonly string[]])[] = [
  ['of a named namespace', [configMap('shop', 'acme', { 'a.md': file })], ['ConfigMap/shop/texts/a.md']],
  ['of another namespace', [configMap('other', 'acme', { 'a.md': file })], []],
  ['of another organization', [configMap('shop', 'globex', { 'a.md': file })], []],
  ['without the label', [configMap('shop', undefined, { 'a.md': file })], []],
  ['of another form', [configMap('shop', 'acme', { 'a.txt': file })], []],
  ['of nobody, of whom there are two', [configMap('shop', '', { 'a.md': file })], []],
  [
    'that name their organization',
    [configMap('shop', '', { 'a.md': file.replace('title', 'organization: acme\ntitle') })],
    ['ConfigMap/shop/texts/a.md'],
  ],
];
for (const [title, maps, resources] of cases) {
  test(`files ${title}`, () => {
    const { files, problems } = gatherArticles(cluster([acme, organization('globex')], maps), acme, false);
    assert.deepEqual([files.map(({ resource }) => resource), problems], [resources, []]);
  });
}

test('without namespaces, no ConfigMap of a cluster states an article; on one machine, every file does', () => {
  const maps = [configMap('default', '', { 'a.md': file }, 'articles/a.md')];
  const without = organization('acme');
  assert.deepEqual(gatherArticles(cluster([without], maps), without, false).files, []);
  const [stated] = gatherArticles(cluster([without], maps), without, true).files;
  assert.equal(stated?.resource, 'articles/a.md');
});

test('a condition names the file, the line and the field that are wrong', () => {
  const maps = [configMap('shop', 'acme', { 'a.md': file, 'b.md': '---\ntitle: 5\n---\nb' })];
  const stated = gatherArticles(cluster([acme], maps), acme, false);
  assert.equal(stated.files.length, 1);
  const verdict = judgeArticles(stated, false);
  assert.deepEqual([verdict?.type, verdict?.status, verdict?.reason], ['ArticlesReady', false, 'ArticleInvalid']);
  assert.match(verdict?.message ?? '', /ConfigMap\/shop\/texts\/b\.md, line 2: title must be a text/);
  assert.equal(judgeArticles({ files: stated.files, problems: [] }, false)?.status, true);
  assert.equal(judgeArticles({ files: [], problems: [] }, false), undefined);
  assert.equal(judgeArticles({ files: [], problems: [] }, true)?.status, true);
});
