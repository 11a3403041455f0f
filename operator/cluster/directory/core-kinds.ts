import { assign, metadataSchema } from '../../../crds/assigned.ts';
import type { StructuralSchema } from '../../../crds/definition.ts';
import type { ObjectMeta } from '../../../crds/object-meta.ts';
import type { Problem } from '../../../crds/problem.ts';
import { compileStructuralSchema, type Validate } from '../../../crds/structural-schema.ts';
import type { Validator } from '../../../crds/validate.ts';
import type { ConfigMap, Namespace, Secret } from '../cluster.ts';
import { type Environment, substitute } from './environment.ts';

interface Core<K extends 'Secret' | 'ConfigMap' | 'Namespace'> {
  readonly apiVersion: 'v1';
  readonly kind: K;
  readonly metadata: ObjectMeta;
}

type Texts = Readonly<Record<string, string>>;
type WrittenSecret = Core<'Secret'> & { readonly data?: Texts; readonly stringData?: Texts };
type WrittenConfigMap = Core<'ConfigMap'> & { readonly data?: Texts; readonly binaryData?: Texts };

const texts: StructuralSchema = { type: 'object', additionalProperties: { type: 'string' } };
const flag: StructuralSchema = { type: 'boolean' };
const anything: StructuralSchema = { 'x-kubernetes-preserve-unknown-fields': true };

/** Validates Secrets. `stringData` overrides `data`, and may take values from the environment. */
export function makeSecretValidator(environment: Environment): Validator<Secret> {
  const fields = { type: { type: 'string' }, immutable: flag, data: texts, stringData: texts } as const;
  const validate = makeCoreValidator<WrittenSecret>('Secret', fields);
  return (value, assigned) => {
    const result = validate(value, assigned);
    if ('problems' in result) return result;
    const { apiVersion, kind, metadata, data = {}, stringData = {} } = result.object;
    const problems: Problem[] = [];
    const content: Record<string, Uint8Array> = {};
    for (const [key, text] of Object.entries(data)) {
      if (isBase64(text)) content[key] = Buffer.from(text, 'base64');
      else problems.push({ field: `data.${key}`, message: 'must be base64; plain text belongs in stringData' });
    }
    for (const [key, text] of Object.entries(stringData)) {
      const outcome = substitute(text, environment);
      if ('text' in outcome) content[key] = Buffer.from(outcome.text);
      else problems.push({ field: `stringData.${key}`, message: missingMessage(outcome.missing) });
    }
    return problems.length > 0 ? { problems } : { object: { apiVersion, kind, metadata, data: content } };
  };
}

export function makeConfigMapValidator(): Validator<ConfigMap> {
  const fields = { immutable: flag, data: texts, binaryData: texts };
  const validate = makeCoreValidator<WrittenConfigMap>('ConfigMap', fields);
  return (value, assigned) => {
    const result = validate(value, assigned);
    if ('problems' in result) return result;
    const { apiVersion, kind, metadata, data = {}, binaryData } = result.object;
    const binary = binaryData && { binaryKeys: Object.keys(binaryData) };
    return { object: { apiVersion, kind, metadata, data, ...binary } };
  };
}

export function makeNamespaceValidator(): Validator<Namespace> {
  return makeCoreValidator<Namespace>('Namespace', { spec: anything });
}

function makeCoreValidator<T>(kind: string, fields: Readonly<Record<string, StructuralSchema>>): Validator<T> {
  let validate: Validate<T> | undefined;
  return (value, assigned) => {
    validate ??= compileStructuralSchema<T>({
      type: 'object',
      required: ['metadata'],
      properties: {
        apiVersion: { type: 'string', enum: ['v1'] },
        kind: { type: 'string', enum: [kind] },
        metadata: metadataSchema,
        ...fields,
      },
    });
    return validate(assign(value, assigned));
  };
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text);
}

function missingMessage(names: readonly string[]): string {
  return names.map((name) => `the environment variable ${name} is not set, and no default is given`).join('; ');
}
