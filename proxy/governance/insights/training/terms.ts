import { dataStoresOf, type EnforcedTraining, findTrainer, isInStores } from '../../../../crds/training.ts';
import { ProxyError } from '../../../error.ts';
import type { GovernanceContext } from '../../context.ts';

/** @throws {ProxyError} `training_unavailable` */
export function requireTraining({ inForce }: Pick<GovernanceContext, 'inForce'>): EnforcedTraining {
  const training: EnforcedTraining | undefined = inForce().snapshot.spec.training;
  if (!training) {
    const message = 'The Organization does not say where models are trained: it has no spec.training';
    throw new ProxyError('training_unavailable', { message });
  }
  if (training.unavailable !== undefined) {
    throw new ProxyError('training_unavailable', { message: training.unavailable });
  }
  return training;
}

/** @throws {ProxyError} `invalid_request` where the address is outside of the stores */
export function requireDataUri(training: EnforcedTraining, param: string, uri: string): void {
  if (isInStores(uri, dataStoresOf(training))) return;
  throw wrong(param, `must be an object below one of ${dataStoresOf(training).join(', ')}`);
}

/** @returns the address of a model, with a slash at its end. @throws {ProxyError} `invalid_request` */
export function requireModelUri(training: EnforcedTraining, param: string, uri: string): string {
  const folder = uri.endsWith('/') ? uri : `${uri}/`;
  if (isInStores(folder, [training.modelStore])) return folder;
  throw wrong(param, `must be a folder below ${training.modelStore}, such as the model_output_uri of a training job`);
}

/** @throws {ProxyError} `invalid_request` where nothing trains it */
export function requireBaseModel(training: EnforcedTraining, param: string, name: string): void {
  if (findTrainer(training, name)) return;
  const known = ['customerai-classifier', ...(training.trainers ?? []).map(({ baseModel }) => baseModel)];
  throw wrong(param, `must be one of ${[...new Set(known)].join(', ')}`);
}

/** @throws {ProxyError} `invalid_request` where it is more than the organization may have */
export function requireAtMost(param: string, count: number, most: number): void {
  if (count > most) throw wrong(param, `must be at most ${most}`);
}

export function wrong(param: string, what: string): ProxyError {
  return new ProxyError('invalid_request', { param, message: `${param} ${what}` });
}
