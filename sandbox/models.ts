import type { JsonObject } from './json.ts';
import { ProviderError } from './provider-error.ts';

/** A model. `snapshot` is the dated model that answers a call to an alias, as OpenAI names it in `model`. */
export interface Model {
  id: string;
  snapshot: string;
  created: number;
  ownedBy: string;
  /** Length of its vectors. Absent for models that generate text. */
  dimensions?: number;
  /** Whether a call may request shorter vectors. */
  shortens?: boolean;
  /** Its purpose. Absent for models that generate text or vectors. */
  purpose?: Purpose;
}

export type Purpose = 'realtime' | 'completion' | 'moderation' | 'image' | 'speech' | 'transcription';

const generating: readonly [alias: string, date: string, created: number][] = [
  ['gpt-3.5-turbo', '0125', 1677610602],
  ['gpt-4o', '2024-08-06', 1715367049],
  ['gpt-4o-mini', '2024-07-18', 1721172741],
  ['gpt-4.1', '2025-04-14', 1744316542],
  ['gpt-4.1-mini', '2025-04-14', 1744318173],
  ['gpt-4.1-nano', '2025-04-14', 1744321707],
  ['o3', '2025-04-16', 1744225308],
  ['o3-mini', '2025-01-31', 1737146383],
  ['o4-mini', '2025-04-16', 1744225351],
  ['gpt-5', '2025-08-07', 1754425777],
  ['gpt-5-mini', '2025-08-07', 1754425928],
  ['gpt-5-nano', '2025-08-07', 1754426384],
  ['gpt-5.1', '2025-11-13', 1762800673],
  ['gpt-5.2', '2025-12-11', 1765313051],
];

const embedding: readonly [id: string, created: number, dimensions: number, shortens: boolean][] = [
  ['text-embedding-3-small', 1705948997, 1536, true],
  ['text-embedding-3-large', 1705953180, 3072, true],
  ['text-embedding-ada-002', 1671217299, 1536, false],
];

const special: readonly [purpose: Purpose, id: string, created: number][] = [
  ['completion', 'gpt-3.5-turbo-instruct', 1692901427],
  ['completion', 'davinci-002', 1692634301],
  ['completion', 'babbage-002', 1692634615],
  ['moderation', 'omni-moderation-latest', 1731689265],
  ['image', 'gpt-image-1', 1745517030],
  ['image', 'gpt-image-1-mini', 1758845821],
  ['image', 'gpt-image-1.5', 1763413308],
  ['image', 'dall-e-3', 1698785189],
  ['image', 'dall-e-2', 1698798177],
  ['speech', 'gpt-4o-mini-tts', 1742403959],
  ['speech', 'tts-1', 1681940951],
  ['speech', 'tts-1-hd', 1699046015],
  ['realtime', 'gpt-realtime', 1756256146],
  ['realtime', 'gpt-realtime-mini', 1759517133],
  ['transcription', 'whisper-1', 1677532384],
  ['transcription', 'gpt-4o-transcribe', 1742068463],
  ['transcription', 'gpt-4o-mini-transcribe', 1742068596],
];

/** All models by id, both aliases and dated snapshots. */
export const models: ReadonlyMap<string, Model> = new Map(
  [
    ...generating.flatMap(([alias, date, created]) => {
      const snapshot = `${alias}-${date}`;
      return [alias, snapshot].map((id): Model => ({ id, snapshot, created, ownedBy: 'system' }));
    }),
    ...embedding.map(
      ([id, created, dimensions, shortens]): Model => ({
        id,
        snapshot: id,
        created,
        ownedBy: 'system',
        dimensions,
        shortens,
      }),
    ),
    ...special.map(([purpose, id, created]): Model => ({ id, snapshot: id, created, ownedBy: 'system', purpose })),
  ].map((model) => [model.id, model]),
);

/** @throws ProviderError 404 `model_not_found` */
export function findModel(id: string): Model {
  const model = models.get(id);
  if (model) return model;
  throw new ProviderError(`The model \`${id}\` does not exist or you do not have access to it.`, {
    status: 404,
    code: 'model_not_found',
  });
}

export function modelObject({ id, created, ownedBy }: Model): JsonObject {
  return { id, object: 'model', created, owned_by: ownedBy };
}

/** @throws ProviderError 404 for a model that is unknown or does not generate text */
export function findTextModel(id: string): Model {
  const model = findModel(id);
  if (model.dimensions === undefined && model.purpose === undefined) return model;
  throw new ProviderError(`The model \`${id}\` does not generate text and is not supported by this endpoint.`, {
    status: 404,
    param: 'model',
  });
}

/** @throws ProviderError 404 for an unknown model, 403 for one that does not make vectors */
export function findEmbeddingModel(id: string): Model & { dimensions: number } {
  const model = findModel(id);
  const { dimensions } = model;
  if (dimensions !== undefined) return { ...model, dimensions };
  throw new ProviderError('You are not allowed to generate embeddings from this model', { status: 403 });
}

/** @throws ProviderError 404 for a model that is unknown or has another purpose */
export function findModelFor(purpose: Purpose, id: string): Model {
  const model = findModel(id);
  if (model.purpose === purpose) return model;
  throw new ProviderError(`The model \`${id}\` is not supported by this endpoint.`, { status: 404, param: 'model' });
}
