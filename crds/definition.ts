import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { customKindEntries } from './kinds.generated.ts';

/** The group and version that every one of our kinds is served under. */
export const apiVersion = 'chaperone.dev/v1alpha1';

export type CustomKind = keyof typeof customKindEntries;

export const customKinds: readonly CustomKind[] = Object.keys(customKindEntries).filter(isCustomKind);

export function isCustomKind(kind: string): kind is CustomKind {
  return Object.hasOwn(customKindEntries, kind);
}

type Entries = typeof customKindEntries;

/** The kinds that belong to an Organization, which their `spec.organizationRef` names. */
export type TenantKind = { [K in CustomKind]: Entries[K]['isTenant'] extends true ? K : never }[CustomKind];

export const tenantKinds: readonly TenantKind[] = customKinds.filter(isTenantKind);

export function isTenantKind(kind: string): kind is TenantKind {
  return isCustomKind(kind) && customKindEntries[kind].isTenant;
}

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A CEL rule. https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules */
export interface ValidationRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
}

/** What of a structural schema is read here; the other keywords are JSON Schema's and go to its validator as they are. */
export interface StructuralSchema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly default?: JsonValue;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly nullable?: boolean;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
}

/** A column that `kubectl get` shows; those of a priority above 0 only with `-o wide`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly description?: string;
  readonly jsonPath: string;
  readonly priority?: number;
}

/** One of our kinds as its CustomResourceDefinition states it. */
export interface Definition<K extends string = CustomKind> {
  readonly kind: K;
  readonly scope: 'Cluster' | 'Namespaced';
  readonly names: { readonly plural: string; readonly singular: string; readonly shortNames: readonly string[] };
  readonly columns: readonly PrinterColumn[];
  readonly schema: StructuralSchema;
}

interface CustomResourceDefinition {
  readonly spec: {
    readonly scope: Definition['scope'];
    readonly names: Definition['names'] & { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly additionalPrinterColumns: readonly PrinterColumn[];
      readonly schema: { readonly openAPIV3Schema: StructuralSchema };
    }[];
  };
}

/**
 * Reads a kind's definition.
 *
 * @param directory where the CustomResourceDefinitions stand; this folder unless they were copied elsewhere
 */
export function readDefinition(kind: CustomKind, directory: string = import.meta.dirname): Definition {
  return { ...readFile(join(directory, customKindEntries[kind].file)), kind };
}

/**
 * Reads every definition in this folder, cluster-scoped kinds first, with the names of their files. From these the
 * entries of our kinds are generated.
 */
export function readDefinitions(): readonly (Definition<string> & { readonly file: string })[] {
  const files = globSync('*.yaml', { cwd: import.meta.dirname }).sort();
  const all = files.map((file) => ({ file, ...readFile(join(import.meta.dirname, file)) }));
  return [...all.filter(({ scope }) => scope === 'Cluster'), ...all.filter(({ scope }) => scope === 'Namespaced')];
}

function readFile(file: string): Definition<string> {
  const { spec }: CustomResourceDefinition = parse(readFileSync(file, 'utf8'));
  const version = spec.versions.find(({ name }) => apiVersion.endsWith(`/${name}`));
  if (!version) throw new Error(`${file} does not define ${apiVersion}`);
  const { kind, ...names } = spec.names;
  return {
    kind,
    scope: spec.scope,
    names,
    columns: version.additionalPrinterColumns,
    schema: version.schema.openAPIV3Schema,
  };
}
