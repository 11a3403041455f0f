import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Assigned } from '../crds/assigned.ts';
import {
  type CustomKind,
  customKinds,
  type Definition,
  type JsonValue,
  type PrinterColumn,
  readDefinition,
} from '../crds/definition.ts';
import { makeValidator } from '../crds/validate.ts';
import { type RulesFormat, ruleKinds } from './get/render-rules.ts';
import { getArticles } from './get-articles.ts';
import { getConversations } from './get-conversations.ts';
import { type GetJobsOptions, getJobs } from './get-jobs.ts';
import { getReviews } from './get-reviews.ts';
import { type GetRulesOptions, getRules } from './get-rules.ts';
import { getSessions } from './get-sessions.ts';
import { getSupportConversations } from './get-support-conversations.ts';
import { getWebhooks } from './get-webhooks.ts';
import { evaluateJsonPath } from './local/json-path.ts';
import { statePaths } from './local/state.ts';

export interface GetOptions extends Omit<GetRulesOptions, 'output'>, Pick<GetJobsOptions, 'failed'> {
  readonly output?: 'wide' | RulesFormat;
}

/**
 * `chaperone get`: lists the resources of a running or stopped `chaperone up`, with the columns of `kubectl get`; or what
 * is used of limits or budgets, the latest conversations or sessions, the background jobs that are not done, the
 * webhooks, or the articles of knowledge bases, in any installation.
 */
export async function get(kinds: string, options: GetOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const named = kinds.trim().toLowerCase();
  if (named === 'jobs') {
    const { user, output = 'table', ...rest } = options;
    if (user !== undefined)
      throw new Error('--user is for limits, budgets, conversations, support-conversations, sessions and reviews');
    if (output === 'wide') throw new Error('--output of jobs is table or json');
    await getJobs({ ...rest, output }, environment);
    return;
  }
  if (named === 'webhooks' || named === 'articles') {
    const { user, failed, output = 'table', ...rest } = options;
    if (user !== undefined || failed) throw new Error(`--user and --failed are not for ${named}`);
    if (output === 'wide') throw new Error(`--output of ${named} is table or json`);
    await (named === 'articles' ? getArticles : getWebhooks)({ ...rest, output }, environment);
    return;
  }
  if (options.failed) throw new Error('--failed is for jobs');
  const rules = ruleKinds.find((kind) => kind === named);
  const latest = latestOf[named];
  if (rules || latest) {
    if (options.output === 'wide') throw new Error(`--output of ${named} is table or json`);
    const chosen = { ...options, output: options.output ?? 'table' };
    if (rules) await getRules(rules, chosen, environment);
    else await latest?.(chosen, environment);
    return;
  }
  await getResources(kinds, options);
}

/** What is listed by the latest first, perhaps only a user's. */
const latestOf: Readonly<Record<string, typeof getConversations>> = {
  conversations: getConversations,
  'support-conversations': getSupportConversations,
  sessions: getSessions,
  reviews: getReviews,
};

async function getResources(kinds: string, { data = '.chaperone', output, ...others }: GetOptions): Promise<void> {
  if (output === 'json')
    throw new Error(
      '--output json is for limits, budgets, conversations, support-conversations, sessions, reviews, jobs, webhooks and articles; resources are shown by wide',
    );
  const [stranger] = Object.keys(others);
  if (stranger !== undefined)
    throw new Error(
      `--${stranger} is for limits, budgets, conversations, support-conversations, sessions, reviews, jobs, webhooks and articles; in a cluster, use kubectl get`,
    );
  const definitions = kinds.split(',').map((name) => findDefinition(name.trim().toLowerCase()));
  if (!existsSync(statePaths(data).state)) throw new Error(`${data} has no data of a \`chaperone up\``);
  const tables = await Promise.all(
    definitions.map((definition) => makeTable(definition, statePaths(data).state, output === 'wide')),
  );
  process.stdout.write(tables.join('\n'));
}

function findDefinition(name: string): Definition {
  const definitions = customKinds.map((kind) => readDefinition(kind));
  const found = definitions.find(({ names }) => [names.plural, names.singular, ...names.shortNames].includes(name));
  if (found) return found;
  const known = definitions.map(({ names }) => `${names.plural} (${names.shortNames.join(', ')})`).join(', ');
  throw new Error(
    `There is no kind "${name}"; there are ${known}, limits, budgets, conversations, support-conversations, sessions, reviews, jobs, webhooks and articles`,
  );
}

interface Listed {
  readonly namespace: string;
  readonly name: string;
  readonly object: Readonly<Record<string, unknown>>;
}

async function makeTable(definition: Definition, stateDirectory: string, isWide: boolean): Promise<string> {
  const objects = await readObjects(definition.kind, stateDirectory);
  if (objects.length === 0) return `No ${definition.names.plural} found.\n`;
  const columns = definition.columns.filter((column) => isWide || (column.priority ?? 0) === 0);
  const isNamespaced = definition.scope === 'Namespaced';
  const head = [...(isNamespaced ? ['NAMESPACE'] : []), 'NAME', ...columns.map((column) => column.name.toUpperCase())];
  const rows = objects.map(({ namespace, name, object }) => [
    ...(isNamespaced ? [namespace] : []),
    name,
    ...columns.map((column) => show(column, object)),
  ]);
  return align([head, ...rows]);
}

/** Objects are stored as they were stated. The columns show them with defaults. */
async function readObjects(kind: CustomKind, stateDirectory: string): Promise<Listed[]> {
  const validate = makeValidator(kind);
  const files = await readdir(join(stateDirectory, 'objects', kind), { recursive: true }).catch(() => []);
  const listed = await Promise.all(
    files
      .filter((file) => file.endsWith('.yaml'))
      .sort()
      .map(async (file) => {
        const record = await readYaml(join(stateDirectory, 'objects', kind, file));
        const status = await readYaml(join(stateDirectory, 'status', kind, file));
        const { key, metadata, value } = record as { key: Listed; metadata: Assigned['metadata']; value: JsonValue };
        const validated = validate(value, { metadata });
        const object = { ...('object' in validated && validated.object), status: statusOf(status) };
        return { namespace: key.namespace, name: key.name, object };
      }),
  );
  return listed;
}

/** A status file has the status and the identity of its object. */
function statusOf(file: unknown): unknown {
  return typeof file === 'object' && file !== null && 'status' in file ? file.status : file;
}

async function readYaml(file: string): Promise<unknown> {
  return parse(await readFile(file, 'utf8').catch(() => '{}'));
}

function show(column: PrinterColumn, object: unknown): string {
  const value = evaluateJsonPath(column.jsonPath, object);
  if (value === undefined || value === null) return column.type === 'date' ? '<unknown>' : '';
  if (column.type === 'date') return formatAge(Date.now() - Date.parse(String(value)));
  return Array.isArray(value) ? value.join(',') : String(value);
}

/** Formats an age as kubectl does: `45s`, `5m`, `3h`, `2d`. */
function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1_000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3)).join('');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}
