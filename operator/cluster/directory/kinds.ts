import type { CustomKind } from '../../../crds/definition.ts';
import { forCustomKinds } from '../../../crds/kinds.generated.ts';
import { makeStoredValidator, makeValidator, type Validator } from '../../../crds/validate.ts';
import type { Kind, Resources } from '../cluster.ts';
import { makeConfigMapValidator, makeNamespaceValidator, makeSecretValidator } from './core-kinds.ts';
import type { Environment } from './environment.ts';

export type Validators = Readonly<Record<Kind, Validator<Resources[Kind]>>>;

/** Compiled once per process: compiling a definition takes tens of milliseconds. */
const customValidators = forCustomKinds((kind): Validator<Resources[CustomKind]> => makeValidator(kind));

/** For objects that an earlier version stored. Compiled only when needed. */
export const storedValidators = forCustomKinds((kind): Validator<Resources[CustomKind]> => makeStoredValidator(kind));

/** The validators that read objects of each kind from a file. */
export function makeValidators(environment: Environment): Validators {
  return {
    ...customValidators,
    Secret: makeSecretValidator(environment),
    ConfigMap: makeConfigMapValidator(),
    Namespace: makeNamespaceValidator(),
  };
}
