// Writes the generated files, and the migrations of changed SQL functions; with --check it only lists what is out of date.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../cli/embedded-postgres.ts';
import { makeProgram } from '../cli/program.ts';
import { readDefinitions, type StructuralSchema } from '../crds/definition.ts';
import { renderBoard } from '../dashboards/board.ts';
import { boards } from '../dashboards/boards/table.ts';
import { renderAlertTable, renderRules } from '../dashboards/rules/render.ts';
import { dumpSchema } from '../database/dump-schema.ts';
import { findFunctionDrift, readFunctionSources } from '../database/function-sources.ts';
import { migrate } from '../database/migrate.ts';
import { requestColumnEntries } from '../database/request-columns.ts';
import { surfaceTable } from '../proxy/surfaces/table.ts';
import { readApiDocument } from './generate/api-document.ts';
import { apiPages, renderApiPages } from './generate/api-pages.ts';
import { renderApiRoutes } from './generate/api-routes.ts';
import { renderCliPage } from './generate/cli-page.ts';
import { copyChangedFunctions } from './generate/function-migration.ts';
import { renderPriceTable } from './generate/price-table.ts';
import { readExample, renderResourcePage } from './generate/resource-page.ts';
import { renderVendorModels } from './generate/vendor-models.ts';

interface Generator {
  /** Relative to the repository's root. */
  readonly file: string;
  readonly render: () => Promise<string>;
}

const root = join(import.meta.dirname, '..');
const schemaFile = 'database/schema.sql';

let madeDocument: ReturnType<typeof readApiDocument> | undefined;
const apiDocument = () => (madeDocument ??= readApiDocument());

const generators: readonly Generator[] = [
  { file: 'crds/kinds.generated.ts', render: async () => renderKinds() },
  { file: 'crds/resources.generated.ts', render: renderResourceTypes },
  { file: 'crds/persona-parameters.generated.ts', render: renderPersonaParameters },
  { file: 'proxy/prices/price-table.generated.ts', render: async () => renderPriceTable() },
  { file: 'operator/vendor-models.generated.ts', render: async () => renderVendorModels() },
  { file: 'crds/api-routes.generated.ts', render: async () => renderApiRoutes(await apiDocument()) },
  { file: 'docs/requests.md', render: async () => renderRequestColumns() },
  ...boards.map((board) => ({
    file: `charts/chaperone/dashboards/${board.name}.json`,
    render: async () => renderBoard(board),
  })),
  { file: 'charts/chaperone/rules/chaperone.yaml', render: async () => renderRules() },
  {
    file: 'docs/dashboards.md',
    render: async () => renderAlertTable(await readFile(join(root, 'docs/dashboards.md'), 'utf8')),
  },
  { file: 'docs/cli.md', render: async () => renderCliPage(makeProgram('')) },
  ...apiPages.map((file) => ({
    file,
    render: async () => renderApiPages(await apiDocument(), surfaceTable).get(file) ?? `No operation is in ${file}.`,
  })),
  ...readDefinitions().map((definition) => ({
    file: `docs/resources/${definition.kind.toLowerCase()}.md`,
    render: async () =>
      renderResourcePage(definition, await readExample(join(root, 'examples/quickstart'), definition.kind)),
  })),
  // A chart must contain all its files.
  ...readDefinitions().map(({ file }) => ({
    file: `charts/chaperone/files/crds/${file}`,
    render: () => readFile(join(root, 'crds', file), 'utf8'),
  })),
];

const resourcesBanner = `// Generated from the CustomResourceDefinitions in this folder by \`npm run generate\`: edit those.
// The types are those of objects that were validated, so a field with a default is always there.

import type { Condition, ObjectMeta } from './object-meta.ts';
`;

/** The entries of our kinds, and a function that makes something for each, since a loop's result has no keys in its type. */
function renderKinds(): string {
  const definitions = readDefinitions();
  const entries = definitions.map(({ file, kind, scope, names, schema }) => {
    const isTenant = schema.properties?.spec?.properties?.organizationRef !== undefined;
    return `  ${kind}: { file: '${file}', plural: '${names.plural}', scope: '${scope}', isTenant: ${isTenant} },`;
  });
  return `// Generated from the CustomResourceDefinitions in this folder by \`npm run generate\`: edit those.

/** Our kinds, as their definitions state them. */
export const customKindEntries = {
${entries.join('\n')}
} as const;

type CustomKind = keyof typeof customKindEntries;

/** Makes something for each of our kinds. */
export function forCustomKinds<T>(make: (kind: CustomKind) => T): Readonly<Record<CustomKind, T>> {
  return {
${definitions.map(({ kind }) => `    ${kind}: make('${kind}'),`).join('\n')}
  };
}
`;
}

async function renderResourceTypes(): Promise<string> {
  const definitions = readDefinitions();
  return compile(
    {
      title: 'Resources',
      description: 'Our kinds by name.',
      type: 'object',
      required: definitions.map(({ kind }) => kind),
      properties: Object.fromEntries(definitions.map(({ kind, schema }) => [kind, resourceSchema(kind, schema)])),
    },
    'Resources',
    {
      additionalProperties: false,
      bannerComment: resourcesBanner,
      ignoreMinAndMaxItems: true,
      style: { bracketSpacing: true, singleQuote: true, printWidth: 120 },
    },
  );
}

function resourceSchema(kind: string, schema: StructuralSchema): JSONSchema {
  const { spec, status } = schema.properties ?? {};
  if (!spec || !status) throw new Error(`${kind} has no spec or no status`);
  return {
    title: kind,
    ...(schema.description && { description: schema.description }),
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    properties: {
      apiVersion: { const: 'chaperone.dev/v1alpha1' },
      kind: { const: kind },
      metadata: { tsType: 'ObjectMeta' },
      spec: { title: `${kind}Spec`, ...typeSchema(spec) },
      status: { title: `${kind}Status`, ...typeSchema(status) },
    },
  };
}

/** The JSON Schema of a value with defaults: a field with a default is always present. */
function typeSchema(schema: StructuralSchema): JSONSchema {
  const { description, type, enum: values, properties, additionalProperties, items, required = [] } = schema;
  const defaulted = Object.entries(properties ?? {}).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [name],
  );
  return {
    ...(description && { description }),
    ...(values ? { enum: [...values] } : type && { type }),
    required: [...required, ...defaulted],
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [
          name,
          name === 'conditions' ? { ...typeSchema(property), tsType: 'Condition[]' } : typeSchema(property),
        ]),
      ),
    }),
    ...(additionalProperties && { additionalProperties: typeSchema(additionalProperties) }),
    ...(schema['x-kubernetes-preserve-unknown-fields'] && { additionalProperties: true }),
    ...(items && { items: typeSchema(items) }),
  };
}

/**
 * The schema of a persona's parameters from personas.yaml, for code that does not load the CustomResourceDefinition.
 */
async function renderPersonaParameters(): Promise<string> {
  const persona = readDefinitions().find(({ kind }) => kind === 'Persona');
  const parameters = persona?.schema.properties?.spec?.properties?.parameters?.properties;
  if (!parameters) throw new Error('Persona has no parameters');
  const withoutWords = (key: string, value: unknown) =>
    key === 'description' && typeof value === 'string' ? undefined : value;
  const schema = JSON.stringify({ properties: parameters }, withoutWords, 2);
  return `// Generated from personas.yaml by \`npm run generate\`: edit that.
import type { StructuralSchema } from './definition.ts';

export const personaParameters: StructuralSchema = ${schema};
`;
}

function renderRequestColumns(): string {
  const rows = requestColumnEntries.map(
    ([name, { type, unit, from, description }]) =>
      `| \`${name}\` | ${type.replace('timestamp with time zone', 'timestamptz')} | ${unit ?? ''} | ${from} | ${description} |`,
  );
  return `<!-- Generated from database/request-columns.ts by \`npm run generate\`: edit that. -->
# The table \`chaperone.requests\`

It has one row for each call that has ended. [figures.md](figures.md) says what counts as a call and where its figures are. The key is \`organization_id\`, \`started_at\` and \`request_id\`, and the table is partitioned by month of \`started_at\` (UTC). What was asked and answered is in \`chaperone.request_contents\`, sealed. The columns beside \`organization_id\`:

| column | type | unit | from | meaning |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

/** Files that are out of date, one sentence each. */
export async function findStale(): Promise<readonly string[]> {
  const [database, ...others] = await Promise.all([
    findStaleDatabaseFiles(),
    ...generators.map(async ({ file, render }) => findDifference(file, await render())),
  ]);
  return [...database, ...others.flat()];
}

async function findDifference(file: string, wanted: string): Promise<string[]> {
  const actual = await readFile(join(root, file), 'utf8').catch(() => undefined);
  return wanted === actual ? [] : [`${file} is out of date: run \`npm run generate\``];
}

async function findStaleDatabaseFiles(): Promise<string[]> {
  return withEmptyDatabase(async (client, url) => {
    await migrate(url);
    const { changed, faults } = await findFunctionDrift(client, await readFunctionSources());
    const differing = changed.map(
      (name) =>
        `database/functions/${name}.sql is not what the migrations make: run \`npm run generate\`, which copies it into a migration`,
    );
    return [...faults, ...differing, ...(await findDifference(schemaFile, await dumpSchema(client)))];
  });
}

/** @returns what a person has to mend before; then nothing was written */
async function writeDatabaseFiles(): Promise<readonly string[]> {
  return withEmptyDatabase(async (client, url) => {
    const { faults } = await copyChangedFunctions(client, url);
    if (faults.length === 0) await writeFile(join(root, schemaFile), await dumpSchema(client));
    return faults;
  });
}

async function withEmptyDatabase<T>(use: (client: Client, url: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-schema-'));
  try {
    const server = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), settings: { fsync: 'off' } });
    const client = new Client({ connectionString: server.url });
    try {
      await client.connect();
      return await use(client, server.url);
    } finally {
      await client.end();
      await server.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  let problems: readonly string[];
  if (process.argv.includes('--check')) {
    problems = await findStale();
  } else {
    for (const { file, render } of generators) await writeFile(join(root, file), await render());
    problems = await writeDatabaseFiles();
  }
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
