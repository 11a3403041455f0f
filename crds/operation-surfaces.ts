import type { OrganizationSpec } from './resources.generated.ts';

type Match = NonNullable<NonNullable<OrganizationSpec['limits']>[number]['match']>;
export type MatchedOperation = NonNullable<Match['operations']>[number];
type Surface = NonNullable<OrganizationSpec['surfaces']>[number];

/** The entry of `spec.surfaces` that each operation belongs to. */
export const operationSurfaces: Readonly<Record<MatchedOperation, Surface>> = {
  responses: 'responses',
  compact: 'responses',
  batches: 'batches',
  chat: 'chat',
  messages: 'messages',
  completions: 'completions',
  embeddings: 'embeddings',
  moderations: 'moderations',
  image_generations: 'images',
  image_edits: 'images',
  image_variations: 'images',
  speech: 'audio',
  transcriptions: 'audio',
  translations: 'audio',
  realtime: 'realtime',
};
