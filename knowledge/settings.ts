import type { OrganizationSpec } from '../crds/resources.generated.ts';
import type { NewJob } from '../database/jobs.ts';

/** The model that makes vectors of passages and questions. */
export interface EmbeddingModel {
  readonly model: string;
  /** How many numbers a vector has. Undefined: as many as the model has. */
  readonly dimensions: number | undefined;
  /** Which vectors can be compared: those of one space. `chaperone.embedding_space` says the same in the database. */
  readonly space: string;
}

/** What an Organization says about how articles are found. */
export interface KnowledgeSettings {
  /** Whether the words of articles are in the index, in clear. */
  readonly isSearchable: boolean;
  /** Undefined: articles are found by their words alone. */
  readonly embedding: EmbeddingModel | undefined;
}

/** The job that makes the index what articles and Organization say. It is tried for two weeks. */
export const indexingJob: NewJob = { task: 'index-knowledge', id: 'all', attempts: 14 };

export function knowledgeSettingsOf({
  storage,
  knowledgeBase,
}: Pick<OrganizationSpec, 'storage' | 'knowledgeBase'>): KnowledgeSettings {
  const { embedding } = knowledgeBase ?? {};
  return {
    isSearchable: storage?.searchable !== false,
    embedding: embedding && {
      model: embedding.model,
      dimensions: embedding.dimensions,
      space: embedding.dimensions === undefined ? embedding.model : `${embedding.model}@${embedding.dimensions}`,
    },
  };
}
