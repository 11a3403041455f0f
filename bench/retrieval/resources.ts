import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { quickstart } from '../analytics/installation.ts';

/** How an Organization finds articles. */
export type Ranking = 'words' | 'words_and_vectors' | 'vectors';

/** The quickstart's YAML, in a copy that the benchmark edits while everything runs. */
export interface Resources {
  readonly directory: string;
  /** Has the Organization find articles in this way from now on. */
  rankBy(ranking: Ranking): Promise<void>;
}

export async function copyResources(directory: string): Promise<Resources> {
  const copy = join(directory, 'resources');
  await cp(quickstart, copy, { recursive: true });
  const file = join(copy, 'organization.yaml');
  return {
    directory: copy,
    async rankBy(ranking) {
      const document = parseDocument(await readFile(file, 'utf8'));
      const embedding = { model: 'text-embedding-3-small', dimensions: 512 };
      document.setIn(['spec', 'knowledgeBase'], ranking === 'words' ? {} : { embedding });
      document.setIn(['spec', 'storage', 'searchable'], ranking !== 'vectors');
      await writeFile(`${file}~`, document.toString());
      await rename(`${file}~`, file);
    },
  };
}
