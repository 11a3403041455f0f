import type { CustomKind } from '../../../crds/definition.ts';
import { makeStoredValidator, makeValidator, type Validator } from '../../../crds/validate.ts';
import type { Kind, Resources } from '../cluster.ts';
import { makeConfigMapValidator, makeNamespaceValidator, makeSecretValidator } from './core-kinds.ts';
import type { Environment } from './environment.ts';

export const scopes: { readonly [K in Kind]: 'Cluster' | 'Namespaced' } = {
  Organization: 'Cluster',
  Persona: 'Namespaced',
  ApiKeyBinding: 'Namespaced',
  AnalysisConfig: 'Namespaced',
  Secret: 'Namespaced',
  ConfigMap: 'Namespaced',
  Namespace: 'Cluster',
};

export function isKind(kind: unknown): kind is Kind {
  return typeof kind === 'string' && Object.hasOwn(scopes, kind);
}

export type Validators = { readonly [K in Kind]: Validator<Resources[K]> };

/** One of each for the process: a definition takes tens of milliseconds to compile, and does not change while it runs. */
const customValidators = {
  Organization: makeValidator('Organization'),
  Persona: makeValidator('Persona'),
  ApiKeyBinding: makeValidator('ApiKeyBinding'),
  AnalysisConfig: makeValidator('AnalysisConfig'),
};

/** For objects that an earlier version stored; compiled where one of them needs it. */
export const storedValidators: { readonly [K in CustomKind]: Validator<Resources[K]> } = {
  Organization: makeStoredValidator('Organization'),
  Persona: makeStoredValidator('Persona'),
  ApiKeyBinding: makeStoredValidator('ApiKeyBinding'),
  AnalysisConfig: makeStoredValidator('AnalysisConfig'),
};

/** How an object of each kind is read from a file. */
export function makeValidators(environment: Environment): Validators {
  return {
    ...customValidators,
    Secret: makeSecretValidator(environment),
    ConfigMap: makeConfigMapValidator(),
    Namespace: makeNamespaceValidator(),
  };
}
