import type { OrganizationSpec } from './resources.generated.ts';

export type TrainingSpec = NonNullable<OrganizationSpec['training']>;

/** `spec.training` as proxies get it. */
export interface EnforcedTraining extends TrainingSpec {
  /** Why nothing can be trained or deployed. The operator adds it. */
  readonly unavailable?: string;
}

/** The trainer that is part of the product. */
export const builtInModel = 'customerai-classifier';

/** What trains a base model. Undefined: nothing does. */
export function findTrainer({ trainers = [] }: TrainingSpec, baseModel: string) {
  return (
    trainers.find((trainer) => trainer.baseModel === baseModel) ??
    (baseModel === builtInModel ? { baseModel } : undefined)
  );
}

const objectUri = /^(s3|pvc):\/\/([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)\/([A-Za-z0-9._=/-]*)$/;

/** The parts of `s3://bucket/key` or `pvc://claim/path`. Undefined: it is neither, or climbs out of its place. */
export function readStoreUri(uri: string) {
  const [, scheme, place, path] = objectUri.exec(uri) ?? [];
  if ((scheme !== 's3' && scheme !== 'pvc') || place === undefined || path === undefined) return undefined;
  const isPlain = path
    .split('/')
    .every((part, at, parts) => part !== '.' && part !== '..' && (part !== '' || at === parts.length - 1));
  return isPlain ? { scheme, place, path } : undefined;
}

/** Whether an address is below one of the stores, each of which ends with a slash. */
export function isInStores(uri: string, stores: readonly string[]): boolean {
  return readStoreUri(uri) !== undefined && stores.some((store) => uri.startsWith(store) && uri.length > store.length);
}

/** Where data may be read from. */
export function dataStoresOf({ dataStores, modelStore }: TrainingSpec): readonly string[] {
  return [...(dataStores ?? []), modelStore];
}
