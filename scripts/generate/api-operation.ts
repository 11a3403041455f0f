import { type Described, type Media, type OpenApi, type Parameter, readRefusals, type Schema } from './api-document.ts';

/** Headers that every operation takes: the overview describes them. */
const sharedHeaders: readonly string[] = ['X-User-ID', 'X-Session-ID'];

/** Makes the section of an operation. */
export function renderOperation(
  document: OpenApi,
  { method, path, operation }: Described,
  common: ReadonlySet<string>,
): string {
  const parts = [
    `### \`${method} ${path}\``,
    [operation.summary, operation.description]
      .filter((text) => text !== undefined)
      .map(asSentence)
      .join(' '),
    renderRoles(operation['x-roles']),
    renderParameters(parametersOf(document, operation.parameters)),
    ...Object.entries(operation.requestBody?.content ?? {}).map(([type, media]) =>
      renderMedia(`Body (\`${type}\`)`, 'required', media),
    ),
    ...renderAnswers(operation),
    renderRefusals(operation, common),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

const renderRoles = (roles: string | undefined) => `Roles: ${roles ?? 'everyone'}.`;

function parametersOf(document: OpenApi, parameters: Described['operation']['parameters'] = []): readonly Parameter[] {
  return parameters
    .map(({ $ref, ...own }) => ($ref ? document.components.parameters[$ref.split('/').at(-1) ?? ''] : undefined) ?? own)
    .filter(({ name }) => !sharedHeaders.includes(name));
}

function renderParameters(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map(({ name, in: place, description = '', required, schema = {} }) => {
    // A parameter with a default is always there for the handler, so the document says it is required.
    const isRequired = required === true && schema.default === undefined;
    return `| \`${name}\` | ${place} | ${typeOf(schema)} | ${isRequired ? 'required' : defaultOf(schema)} | ${inCell([description, ...boundsOf(schema)].filter(Boolean).join(' '))} |`;
  });
  return ['| parameter | in | type | default | meaning |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

function renderAnswers({ responses }: Described['operation']): readonly string[] {
  return Object.entries(responses)
    .filter(([status]) => /^[123]/.test(status))
    .flatMap(([status, { description, content = {} }]) => {
      const title = `Answer ${status}${/^(OK|Created)$/.test(description) ? '' : `: ${description.replace(/\.$/, '')}`}`;
      const media = Object.entries(content);
      if (media.length === 0) return [`**${title}**`];
      return media.map(([type, one]) => renderMedia(`${title} (\`${type}\`)`, 'always there', one));
    });
}

/** A table of the fields, and an example where there is one. */
function renderMedia(title: string, required: string, { schema = {}, example }: Media): string {
  const rows = fieldsOf(schema, '').map(
    ({ path, schema: field, isRequired }) =>
      `| \`${path}\` | ${typeOf(field)} | ${isRequired ? 'yes' : ''} | ${inCell([withoutNull(field).description ?? field.description ?? '', ...boundsOf(field)].filter(Boolean).join(' '))} |`,
  );
  const shown = example ?? schema.example;
  return [
    `**${title}**`,
    rows.length === 0
      ? ''
      : [`| field | type | ${required} | meaning |`, '| --- | --- | --- | --- |', ...rows].join('\n'),
    shown === undefined
      ? ''
      : `\`\`\`json\n${typeof shown === 'string' ? shown : JSON.stringify(shown, null, 2)}\n\`\`\``,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

interface Field {
  readonly path: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
}

function fieldsOf(schema: Schema, prefix: string): readonly Field[] {
  const { properties = {}, required = [] } = elementOf(schema);
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = `${prefix}${name}${isList(field) ? '[]' : ''}`;
    return [{ path, schema: field, isRequired: required.includes(name) }, ...fieldsOf(field, `${path}.`)];
  });
}

const isList = (schema: Schema) => withoutNull(schema).items !== undefined;

function elementOf(schema: Schema): Schema {
  const { items, ...own } = withoutNull(schema);
  return items ? elementOf(items) : own;
}

/** What a value is where it is not null. */
function withoutNull(schema: Schema): Schema {
  const others = schema.anyOf?.filter(({ type }) => type !== 'null') ?? [];
  return others.length === 1 && others[0]
    ? { ...schema, ...others[0], ...(schema.description && { description: schema.description }) }
    : schema;
}

function typeOf(schema: Schema): string {
  const isNullable = schema.anyOf?.some(({ type }) => type === 'null') ?? false;
  const own = withoutNull(schema);
  const types = own.type ?? (own.enum || own.const !== undefined || own.anyOf?.every(isChoice) ? 'string' : undefined);
  const base = own.items
    ? `list of ${typeOf(own.items)}`
    : own.format === 'date-time'
      ? 'time'
      : own.format === 'uuid'
        ? 'UUID'
        : [types ?? own.anyOf?.map(typeOf) ?? 'any'].flat().join(' or ');
  return isNullable ? `${base} or null` : base;
}

const isChoice = (schema: Schema) => schema.const !== undefined || schema.enum !== undefined;

function boundsOf(schema: Schema): readonly string[] {
  const own = elementOf(schema);
  const list = withoutNull(schema);
  const choices = own.enum ?? (own.anyOf?.every(isChoice) ? own.anyOf.flatMap((one) => one.enum ?? [one.const]) : []);
  return [
    ...(choices.length === 0 ? [] : [`One of ${choices.map((choice) => `\`${String(choice)}\``).join(', ')}.`]),
    ...range(own.minimum, own.maximum, ''),
    ...range(own.minLength, own.maxLength, ' characters'),
    ...range(list.minItems, list.maxItems, ' entries'),
  ];
}

function range(least: number | undefined, most: number | undefined, unit: string): readonly string[] {
  const show = (value: number) => (Math.abs(value) >= 10_000 ? value.toLocaleString('en') : String(value));
  if (least !== undefined && most !== undefined) return [`${show(least)} to ${show(most)}${unit}.`];
  if (most !== undefined) return [`At most ${show(most)}${unit}.`];
  return least === undefined ? [] : [`At least ${show(least)}${unit}.`];
}

const defaultOf = (schema: Schema) => (schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``);

function renderRefusals(operation: Described['operation'], common: ReadonlySet<string>): string {
  const own = readRefusals(operation).filter(({ code }) => !common.has(code));
  const byStatus = [...Map.groupBy(own, ({ status }) => status)].map(
    ([status, refusals]) => `${status} ${refusals.map(({ code }) => `\`${code}\``).join(', ')}`,
  );
  const relayed = operation.responses.default ? ['the provider’s own errors, as they came'] : [];
  const all = [...byStatus, ...relayed];
  return all.length === 0 ? '' : `Errors: ${all.join('; ')}.`;
}

const asSentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

const inCell = (text: string) => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
