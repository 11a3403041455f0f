import { type Described, type OpenApi, type Operation, readRefusals, type Schema } from './api-document.ts';
import { renderOperation } from './api-operation.ts';

/** Operations of one surface. */
interface Page {
  readonly name: string;
  readonly title: string;
  readonly purpose: string;
  readonly groups: readonly {
    readonly tag: string;
    readonly description: string;
    readonly operations: readonly Described[];
  }[];
}

/** What is read of a surface. */
interface Listed {
  readonly name: string;
  readonly tags?: readonly { readonly name: string }[];
  readonly envelope: { readonly name: string };
}

/** How people call the surfaces, and what for. */
const titles: Readonly<Record<string, readonly [title: string, purpose: string]>> = {
  openai: ['OpenAI’s API', 'What OpenAI’s SDKs call, governed: the bodies and answers are OpenAI’s.'],
  anthropic: ['Anthropic’s Messages API', 'What Anthropic’s SDKs and Claude’s tools call.'],
  governance: ['Governance', 'Personas, analyses, ratings, figures, users, limits, webhooks, keys and the audit log.'],
  analyses: ['Conversations and analyses', 'Conversations, their branches, and texts about them.'],
  speech: ['Sessions of voice assistants', 'Costs, turns and feedback of sessions.'],
  support: ['Customer support', 'The support desk, its knowledge base and its figures.'],
  insights: ['Insights', 'Accounts, and what texts and data of customers say.'],
};

/** The files of the API's reference: an overview, and a page for each surface. */
export const apiPages: readonly string[] = ['docs/api.md', ...Object.keys(titles).map((name) => `docs/api/${name}.md`)];

/** The text of each of them. */
export function renderApiPages(document: OpenApi, surfaces: readonly Listed[]): ReadonlyMap<string, string> {
  const pages = pagesOf(document, surfaces);
  const common = commonRefusals(document);
  return new Map([
    ['docs/api.md', renderOverview(document, pages, common)],
    ...pages.map((page) => [`docs/api/${page.name}.md`, renderPage(document, page, common)] as const),
  ]);
}

function pagesOf(document: OpenApi, surfaces: readonly Listed[]): readonly Page[] {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const bySurface = Map.groupBy(all, ({ operation }) => surfaceOf(operation, surfaces));
  return surfaces.flatMap(({ name }) => {
    const operations = bySurface.get(name) ?? [];
    if (operations.length === 0) return [];
    const [title, purpose] = titles[name] ?? [];
    if (!title || !purpose) throw new Error(`scripts/generate/api-pages.ts has no title for the surface ${name}`);
    const groups = (document.tags ?? []).flatMap(({ name: tag, description }) => {
      const own = operations.filter(({ operation }) => operation.tags[0] === tag);
      return own.length === 0 ? [] : [{ tag, description, operations: own }];
    });
    return [{ name, title, purpose, groups }];
  });
}

/** The surface with the operation's envelope and, where several have it, with its group. */
function surfaceOf(operation: Operation, surfaces: readonly Listed[]): string {
  const envelope = Object.values(operation.responses)
    .map(schemaNameOf)
    .find((name) => name !== undefined);
  const candidates = surfaces.filter((surface) => surface.envelope.name === envelope);
  const found =
    candidates.find(({ tags = [] }) => tags.some(({ name }) => name === operation.tags[0])) ?? candidates[0];
  if (!found) throw new Error(`no surface has the envelope ${envelope}`);
  return found.name;
}

function schemaNameOf({ content }: Operation['responses'][string]): string | undefined {
  const schema: Schema | undefined = content?.['application/json']?.schema;
  return schema?.$ref?.split('/').at(-1);
}

/** What every operation can be refused with. */
function commonRefusals(document: OpenApi): ReadonlySet<string> {
  const all = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(readRefusals));
  const [first = [], ...others] = all.map((refusals) => refusals.map(({ code }) => code));
  const most = others.length * 0.85;
  return new Set(first.filter((code) => others.filter((codes) => codes.includes(code)).length >= most));
}

function renderOverview(document: OpenApi, pages: readonly Page[], common: ReadonlySet<string>): string {
  return `<!-- Generated from the routes of proxy/surfaces by \`npm run generate\`: edit those. -->
# API

A proxy serves several APIs, each with its own shape of errors. While it runs, \`/openapi.json\` is the machine-readable form of these pages, and \`/docs\` lets you try it.

## Credentials and headers

Every request has a credential: a token of the organization (\`chaperone token\`, or one of an issuer that it accepts), or a key. It is accepted as \`Authorization: Bearer\`, \`X-API-Key\` or \`X-Dashboard-Key\`.

| header | meaning |
| --- | --- |
${Object.values(document.components.parameters)
  .map(({ name, description }) => `| \`${name}\` | ${inCell(description ?? '')} |`)
  .join('\n')}

Answers have these headers, where they apply:

| header of answers | meaning |
| --- | --- |
${headersOf(document)
  .map(([name, description]) => `| \`${name}\` | ${inCell(description)} |`)
  .join('\n')}

## Roles

A credential has the roles \`member\` (if it names none), \`analyst\`, \`reviewer\` or \`admin\`. Where an operation needs one, its section says so; an admin may do everything. Members see their own data only.

## Errors of every operation

${[...common].map((code) => `\`${code}\``).join(', ')}. The pages list the others. [reference.md](reference.md#errors) says what each means; its HTTP status is the same everywhere.

${pages.map((page) => renderIndex(page)).join('\n')}`;
}

function headersOf({ components, paths }: OpenApi): readonly (readonly [name: string, description: string])[] {
  const responses = Object.values(paths).flatMap((methods) =>
    Object.values(methods).flatMap((operation) => Object.values(operation.responses)),
  );
  const references = responses.flatMap(({ headers }) => Object.entries(headers ?? {}));
  return [...new Map(references.map(([name, { $ref }]) => [name, $ref.split('/').at(-1) ?? '']))].map(
    ([name, reference]) => [name, components.headers[reference]?.description ?? ''] as const,
  );
}

function renderIndex({ name, title, purpose, groups }: Page): string {
  const rows = groups.flatMap(({ operations }) =>
    operations.map(
      ({ method, path, operation }) =>
        `| \`${method}\` | [\`${path}\`](api/${name}.md#${anchorOf(method, path)}) | ${inCell(operation.summary)} |`,
    ),
  );
  return `## ${title}

${purpose} [All of it](api/${name}.md).

${['| method | path | |', '| --- | --- | --- |', ...rows].join('\n')}
`;
}

function renderPage(document: OpenApi, { name, title, purpose, groups }: Page, common: ReadonlySet<string>): string {
  return `<!-- Generated from the routes of proxy/surfaces/${name} by \`npm run generate\`: edit those. -->
# ${title}

${purpose} [api.md](../api.md) has what all operations share: credentials, headers, roles, and the errors of every operation.

${groups.map(({ tag, description, operations }) => `## ${tag}\n\n${description}\n\n${operations.map((described) => renderOperation(document, described, common)).join('\n')}`).join('\n')}`;
}

/** GitHub's anchor of an operation's heading. */
function anchorOf(method: string, path: string): string {
  return `${method} ${path}`
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

const inCell = (text: string) => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
