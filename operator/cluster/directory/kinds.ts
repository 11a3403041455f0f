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

/** Compiled once per process: compiling a definition takes tens of milliseconds. */
const customValidators = {
  Organization: makeValidator('Organization'),
  Persona: makeValidator('Persona'),
  ApiKeyBinding: makeValidator('ApiKeyBinding'),
  AnalysisConfig: makeValidator('AnalysisConfig'),
};

/** For objects that an earlier version stored. Compiled only when needed. */
export const storedValidators: { readonly [K in CustomKind]: Validator<Resources[K]> } = {
  Organization: makeStoredValidator('Organization'),
  Persona: makeStoredValidator('Persona'),
  ApiKeyBinding: makeStoredValidator('ApiKeyBinding'),
  AnalysisConfig: makeStoredValidator('AnalysisConfig'),
};

/** The validators that read objects of each kind from a file. */
export function makeValidators(environment: Environment): Validators {
  return {
    ...customValidators,
    Secret: makeSecretValidator(environment),
    ConfigMap: makeConfigMapValidator(),
    Namespace: makeNamespaceValidator(),
  };
}
