import type { InjectionSettings } from '../injection/settings.ts';

/** The defaults of all training jobs and served models. */
export interface TrainingSettings extends Pick<InjectionSettings, 'image' | 'imagePullPolicy' | 'imagePullSecrets'> {
  /** The namespaces in which the operator has the rights. */
  readonly namespaces: readonly string[];
}
