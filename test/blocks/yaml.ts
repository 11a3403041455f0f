import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import {
  apiVersion,
  type CustomKind,
  customKinds,
  isCustomKind,
  type JsonValue,
  readDefinition,
} from '../../crds/definition.ts';
import { isJsonObject } from '../../crds/schema-node.ts';
import { makeValidator } from '../../crds/validate.ts';
import { readExample } from '../../scripts/generate/resource-page.ts';
import { repository } from '../directories.ts';

type JsonObject = Readonly<Record<string, JsonValue>>;

const assigned = { metadata: { uid: 'x', generation: 1, creationTimestamp: '2027-01-01T00:00:00Z' } };
const chartValues: JsonValue = parse(readFileSync(join(repository, 'charts/chaperone/values.yaml'), 'utf8'));
const validators = new Map(customKinds.map((kind) => [kind, makeValidator(kind)]));
const fields = new Map(
  customKinds.map((kind) => [kind, readDefinition(kind).schema.properties?.spec?.properties ?? {}]),
);

/** Valid objects, which the fields of a fragment replace. */
const wholes = new Map<CustomKind, JsonValue>();
for (const kind of customKinds)
  wholes.set(kind, parse(await readExample(join(repository, 'examples/quickstart'), kind)));

/**
 * Says what is wrong with a block of YAML: it must be whole resources of ours, or a part of one, or values of the chart.
 * What a part leaves out, and a resource with a `…`, is taken from the quickstart.
 *
 * @returns undefined where nothing is wrong
 */
export function findYamlProblem(text: string): string | undefined {
  for (const document of parseAllDocuments(text)) {
    if (document.errors[0]) return document.errors[0].message;
    const value = document.toJS() as JsonValue;
    const problem = isJsonObject(value) ? findProblem(value, text.includes('…')) : 'it is no object';
    if (problem) return problem;
  }
  return undefined;
}

function findProblem(value: JsonObject, isCut: boolean): string | undefined {
  const { kind, apiVersion: version } = value;
  // Kinds of others have rules of their own.
  if (version !== undefined && version !== apiVersion) return undefined;
  if (typeof kind === 'string' && isCustomKind(kind)) return isCut ? findInPart(kind, value) : findIn(kind, value);
  if (kind !== undefined) return `there is no kind ${String(kind)}`;
  if (isPartOf(value, chartValues)) return undefined;
  // Names of models are told without the field that has them.
  const stated: JsonObject = isPartOf(value, { aliases: [] }) ? { models: value } : value;
  const spec = isJsonObject(stated.spec) && Object.keys(stated).length === 1 ? stated.spec : stated;
  const problems = customKinds.map((candidate) => {
    const isOwn = Object.keys(spec).every((name) => Object.hasOwn(fields.get(candidate) ?? {}, name));
    return isOwn ? findInPart(candidate, { spec }) : 'it has fields that no kind and not the chart has';
  });
  return problems.includes(undefined)
    ? undefined
    : (problems.find((problem) => !problem?.startsWith('it has')) ?? problems[0]);
}

function findInPart(kind: CustomKind, part: JsonObject): string | undefined {
  const whole = wholes.get(kind) ?? null;
  if (!isJsonObject(whole) || !isJsonObject(whole.spec ?? null)) throw new Error(`the quickstart has no ${kind}`);
  const { spec, ...rest } = whole as { readonly spec: JsonObject };
  return findIn(kind, { ...rest, ...part, spec: { ...spec, ...(part.spec as JsonObject | undefined) } });
}

function findIn(kind: CustomKind, object: JsonObject): string | undefined {
  const outcome = validators.get(kind)?.(object, assigned);
  if (!outcome || !('problems' in outcome)) return undefined;
  return outcome.problems.map(({ field, message }) => `${kind} ${field}: ${message}`).join('; ');
}

/** Whether all of its fields are there in the other, at any depth. An empty object may have any. */
function isPartOf(value: JsonValue, other: JsonValue): boolean {
  if (!isJsonObject(value) || !isJsonObject(other) || Object.keys(other).length === 0) return true;
  return Object.entries(value).every(([name, one]) => Object.hasOwn(other, name) && isPartOf(one, other[name] ?? null));
}
