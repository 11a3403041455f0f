import { randomUUID } from 'node:crypto';
import type { JsonValue } from '../../../crds/definition.ts';
import { asksForText, type FileObject, parseFile } from '../../../crds/documents.ts';
import type { ApiKeyBindingSpec, OrganizationSpec } from '../../../crds/resources.generated.ts';
import { isJsonObject } from '../../../crds/schema-node.ts';
import { makeValidator, type Validator } from '../../../crds/validate.ts';
import type { ChangedResources } from './change.ts';
import { SimulationMistake } from './mistake.ts';

// Each compiles its schema at its first object, for a fifth of a second, in which no call goes on.
const validateOrganization = makeValidator('Organization');
const validateBinding = makeValidator('ApiKeyBinding');

/**
 * Reads the resources of a change, and validates them as an API server would: one Organization, and any number of
 * ApiKeyBindings. Others are passed over.
 *
 * @param file what it is called in messages
 * @param named the organization that is meant. Undefined: that of the file
 * @throws {SimulationMistake} with every mistake, its line and field
 */
export function readChange(
  file: string,
  text: string,
  named: string | undefined,
): { readonly organization: string; readonly changed: ChangedResources } {
  const { objects, problems } = parseFile({ file, text });
  if (problems.length > 0)
    throw mistake(file, problems.map(({ line, reason }) => `${file}:${line ?? 1}: ${reason}`).join('\n'));
  const of = (kind: string) => objects.filter(({ value }) => isJsonObject(value) && value.kind === kind);
  const organizations = of('Organization').filter(({ value }) => named === undefined || nameOf(value) === named);
  const bindings = of('ApiKeyBinding');
  if (organizations.length > 1) throw mistake(file, `${file} has several Organizations; name one by --organization`);
  if (organizations.length + bindings.length === 0) {
    throw mistake(file, `${file} has no Organization${named === undefined ? '' : ` "${named}"`} and no ApiKeyBinding`);
  }
  const [stated] = organizations;
  const organization = named ?? (stated && nameOf(stated.value));
  if (organization === undefined) throw mistake(file, `${file} has no Organization, so --organization is needed`);
  const validated = stated && valid(stated, validateOrganization);
  const changed = bindings
    .map((object) => valid(object, validateBinding))
    .filter(({ spec }) => spec.organizationRef.name === organization)
    .map(({ metadata, spec }): [string, ApiKeyBindingSpec] => [
      `${metadata.namespace ?? 'default'}/${metadata.name}`,
      spec,
    ]);
  const spec: OrganizationSpec | undefined = validated?.spec;
  return { organization, changed: { spec, bindings: new Map(changed) } };
}

function valid<T>({ file, value, lineOf, quotationHint }: FileObject, validate: Validator<T>): T {
  const result = validate(value, {
    metadata: { uid: randomUUID(), generation: 1, creationTimestamp: new Date().toISOString() },
  });
  if ('object' in result) return result.object;
  const mistakes = result.problems.map(
    ({ field, message }) =>
      `${file}:${lineOf(field)}: ${field} ${message}${asksForText(message) ? quotationHint(field) : ''}`,
  );
  throw mistake(file, mistakes.join('\n'));
}

function nameOf(value: JsonValue): string | undefined {
  if (!isJsonObject(value) || value.metadata === undefined || !isJsonObject(value.metadata)) return undefined;
  return typeof value.metadata.name === 'string' ? value.metadata.name : undefined;
}

function mistake(file: string, message: string): SimulationMistake {
  return new SimulationMistake(file, message);
}
