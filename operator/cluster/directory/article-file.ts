import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { ParsedFile, YamlFile } from '../../../crds/documents.ts';
import { articlesLabel, fileAnnotation } from '../../../knowledge/article-files.ts';
import { readArticleFile } from '../../../knowledge/front-matter.ts';

/** Reads an article. It stands for a ConfigMap, as a cluster has articles. */
export function parseArticleFile({ file, text, problem }: YamlFile): ParsedFile {
  if (problem) return { objects: [], problems: [{ file, ...problem }] };
  const read = readArticleFile(text);
  if ('problems' in read) return { objects: [], problems: read.problems.map((found) => ({ file, ...found })) };
  const value = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: `article-${createHash('sha256').update(file).digest('hex').slice(0, 24)}`,
      namespace: 'default',
      labels: { [articlesLabel]: '' },
      annotations: { [fileAnnotation]: file },
    },
    data: { [basename(file)]: text },
  };
  return { objects: [{ file, document: 1, value, lineOf: () => 1, quotationHint: () => '' }], problems: [] };
}
