import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Definition, JsonValue, StructuralSchema } from '../../crds/definition.ts';

/** A definition with the name of its file in crds/. */
export type DefinitionFile = Definition<string> & { readonly file: string };

interface Field {
  /** Below the section's own field, such as `match.models[]`. */
  readonly path: string;
  readonly schema: StructuralSchema;
  readonly isRequired: boolean;
}

/**
 * Makes the page of a kind: what it is for, an example, and tables of its fields, a section for each field of the spec
 * that has fields itself.
 *
 * @param example the YAML of one valid object, without comments above it
 */
export function renderResourcePage(
  { file, kind, scope, names, columns, schema }: DefinitionFile,
  example: string,
): string {
  const { spec, status } = schema.properties ?? {};
  if (!spec || !status) throw new Error(`${kind} has no spec or no status`);
  const rules = messagesOf(schema);
  return `<!-- Generated from crds/${file} by \`npm run generate\`: edit that. -->
# ${kind}

${inProse(schema.description)}

\`apiVersion: chaperone.dev/v1alpha1\`, \`kind: ${kind}\`. ${scope === 'Cluster' ? 'It belongs to no namespace.' : 'It belongs to a namespace.'} kubectl knows it as ${[
    names.plural,
    names.singular,
    ...names.shortNames,
  ]
    .filter((name, index, all) => all.indexOf(name) === index)
    .map((name) => `\`${name}\``)
    .join(', ')}. The definition is [crds/${file}](../../crds/${file}).

- [Example](#example)
- [spec](#spec)
${sectionsOf(spec)
  .map(([name]) => `  - [spec.${name}](#spec${anchor(name)})`)
  .join('\n')}
- [status](#status)
- [What \`kubectl get\` shows](#what-kubectl-get-shows)

## Example

\`\`\`yaml
${example.trim()}
\`\`\`

## spec

${inProse(spec.description)}
${renderRules([...rules, ...messagesOf(spec)])}
${renderTable(directFieldsOf(spec, new Set(sectionsOf(spec).map(([name]) => name))), 'spec')}

${sectionsOf(spec)
  .map(([name, section]) => renderSection(name, section, spec.required?.includes(name) ?? false))
  .join('\n')}
## status

${inProse(status.description)}

${renderTable(allFieldsOf(status, ''), '')}

## What \`kubectl get\` shows

| column | what it says | only with \`-o wide\` |
| --- | --- | --- |
${columns.map(({ name, jsonPath, priority, description }) => `| ${name} | ${inCell(description ?? `\`${jsonPath}\``)} | ${priority ? 'yes' : ''} |`).join('\n')}
`;
}

/** Reads the first object of a kind in a directory of YAML, as it is written. */
export async function readExample(directory: string, kind: string): Promise<string> {
  for (const file of globSync('*.yaml', { cwd: directory }).sort()) {
    const text = await readFile(join(directory, file), 'utf8');
    const found = parseAllDocuments(text).find((document) => (document.toJS() as { kind?: unknown })?.kind === kind);
    if (found)
      return text
        .slice(found.range[0], found.range[2])
        .replace(/^(\s*#.*\n)+/, '')
        .replace(/\n---\s*$/, '\n');
  }
  throw new Error(`${directory} has no ${kind}`);
}

/** The fields that have a section: those with fields of their own. */
function sectionsOf(spec: StructuralSchema): readonly (readonly [name: string, schema: StructuralSchema])[] {
  return Object.entries(spec.properties ?? {}).filter(([, schema]) => elementOf(schema).properties !== undefined);
}

function renderSection(name: string, schema: StructuralSchema, isRequired: boolean): string {
  const element = elementOf(schema);
  const facts = [typeOf(schema), ...(isRequired ? ['required'] : []), ...boundsOf(schema)].join(', ');
  return `### spec.${name}

${inProse(schema.description)}${schema === element ? '' : ` Each: ${inProse(element.description)}`}

${facts[0]?.toUpperCase()}${facts.slice(1)}.${schema.default === undefined ? '' : ` Default: ${showValue(schema.default)}.`}
${renderRules(allMessagesOf(schema))}
${renderTable(allFieldsOf(element, ''), '')}
`;
}

function renderTable(fields: readonly Field[], sections: string): string {
  const rows = fields.map(({ path, schema, isRequired }) => {
    const isSection = sections !== '' && elementOf(schema).properties !== undefined;
    const description = isSection
      ? `${firstSentence(schema.description)} [More](#${sections}${anchor(path)}).`
      : (schema.description ?? '');
    const value = schema.default === undefined ? '' : showValue(schema.default);
    const notes = isSection ? [] : boundsOf(schema);
    return `| \`${path}\` | ${typeOf(schema)} | ${isRequired ? 'required' : value} | ${inCell([description, ...notes.map(asSentence)].join(' ').trim())} |`;
  });
  return ['| field | type | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function directFieldsOf(schema: StructuralSchema, sections: ReadonlySet<string>): readonly Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const field = { path: name, schema: child, isRequired: schema.required?.includes(name) ?? false };
    return sections.has(name) ? [field] : [field, ...allFieldsOf(elementOf(child), `${pathOf(name, child)}.`)];
  });
}

/** Every field below an object, in the order of the definition. */
function allFieldsOf(schema: StructuralSchema, prefix: string): readonly Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const isRequired = schema.required?.includes(name) ?? false;
    const path = `${prefix}${pathOf(name, child)}`;
    return [{ path, schema: child, isRequired }, ...allFieldsOf(elementOf(child), `${path}.`)];
  });
}

/** What a list or a map is made of, or the schema itself. */
function elementOf(schema: StructuralSchema): StructuralSchema {
  const inner = schema.items ?? schema.additionalProperties;
  return inner ? elementOf(inner) : schema;
}

function pathOf(name: string, { items, additionalProperties }: StructuralSchema): string {
  if (items) return pathOf(`${name}[]`, items);
  return additionalProperties ? pathOf(`${name}.*`, additionalProperties) : name;
}

function typeOf({ type, format, items, additionalProperties, ...schema }: StructuralSchema): string {
  if (schema['x-kubernetes-int-or-string']) return 'integer or string';
  if (items) return `list of ${plural(typeOf(items))}`;
  if (additionalProperties) return `map of ${plural(typeOf(additionalProperties))}`;
  if (format === 'date-time') return 'time';
  return schema['x-kubernetes-preserve-unknown-fields'] && !type ? 'any' : (type ?? 'any');
}

const plural = (type: string) =>
  type === 'any' ? 'any' : type.replace(/^(\w+)/, '$1s').replace(/^(list|map)s/, '$1s');

/** What else a value must be, in parts of a sentence. */
function boundsOf(schema: StructuralSchema): readonly string[] {
  const element = elementOf(schema);
  const { maxItems, minItems, uniqueItems, maxProperties } = schema as Record<string, unknown>;
  const { minimum, maximum, minLength, maxLength, pattern } = element;
  const each = element === schema ? '' : 'each ';
  const ofElement = [
    ...(element.enum ? [`one of ${element.enum.map((value) => `\`${value}\``).join(', ')}`] : []),
    ...range(minimum, maximum, ''),
    ...(element.enum || element.format === 'date-time' ? [] : range(minLength, maxLength, ' characters')),
    ...(pattern === undefined || element.enum ? [] : [`matches \`${pattern}\``]),
  ];
  return [
    ...ofElement.map((part) => `${each}${part}`),
    ...range(minItems as number | undefined, maxItems as number | undefined, ' entries'),
    ...(maxProperties === undefined ? [] : [`at most ${maxProperties} entries`]),
    ...(uniqueItems === true || schema['x-kubernetes-list-type'] === 'set' ? ['no entry twice'] : []),
    ...(schema['x-kubernetes-list-map-keys']
      ? [`one entry for each \`${schema['x-kubernetes-list-map-keys'].join('`, `')}\``]
      : []),
  ];
}

function range(least: number | undefined, most: number | undefined, unit: string): readonly string[] {
  const show = (value: number) => (Math.abs(value) >= 10_000 ? value.toLocaleString('en') : String(value));
  if (least !== undefined && most !== undefined)
    return [least === most ? `exactly ${show(least)}${unit}` : `${show(least)} to ${show(most)}${unit}`];
  if (least === 1 && unit !== '') return ['not empty'];
  if (least !== undefined) return [`at least ${show(least)}${unit}`];
  return most === undefined ? [] : [`at most ${show(most)}${unit}`];
}

const messagesOf = (schema: StructuralSchema) =>
  (schema['x-kubernetes-validations'] ?? []).map(({ message }) => message);

/** The messages of a schema's own rules and of all rules below, each once. */
function allMessagesOf(schema: StructuralSchema): readonly string[] {
  const below = [
    ...Object.values(schema.properties ?? {}),
    ...[schema.items, schema.additionalProperties].filter((one) => one !== undefined),
  ];
  return [...new Set([...messagesOf(schema), ...below.flatMap(allMessagesOf)])];
}

const renderRules = (messages: readonly string[]) =>
  messages.length === 0 ? '' : `\nRules:\n${messages.map((message) => `- ${escapeMarkup(message)}`).join('\n')}\n`;

const showValue = (value: JsonValue) =>
  `\`${typeof value === 'string' && value !== '' ? value : JSON.stringify(value)}\``;

/** GitHub's anchor of a path, after its first word. */
const anchor = (name: string) => name.toLowerCase().replaceAll(/[^\w-]/g, '');

const firstSentence = (text = '') =>
  /^.*?[.:](?=\s|$)/s.exec(text.replaceAll(/\s+/g, ' '))?.[0].replace(/:$/, '.') ?? text;

const asSentence = (part: string) => `${part[0]?.toUpperCase()}${part.slice(1)}.`;

const inProse = (text = '') => escapeMarkup(text.replaceAll(/\s+/g, ' ').trim());

const inCell = (text: string) => inProse(text).replaceAll('|', '\\|');

/** What would be markup outside of code. */
function escapeMarkup(text: string): string {
  return text.replaceAll(
    /(`[^`]*`)|[<>]|(?<=\s|^)\*(?=\S)/g,
    (found, code) => code ?? (found === '<' ? '&lt;' : found === '>' ? '&gt;' : '\\*'),
  );
}
