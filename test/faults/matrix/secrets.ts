import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Client } from 'pg';
import { secretPrompt } from './calls.ts';
import { type Installation, secretKey } from './installation.ts';

/** Where something secret was found. */
export interface Place {
  readonly place: string;
  readonly secret: string;
}

/** What must be nowhere, by a name that may be shown. */
async function secretsOf({ stack, superuserUrl }: Installation): Promise<Map<string, string>> {
  const read = (name: string) => readFile(join(stack.credentialsDirectory, name), 'utf8');
  const passwordOf = (url: string) => decodeURIComponent(new URL(url.trim()).password);
  const secrets = new Map([
    ['the provider key', secretKey],
    ['a prompt', secretPrompt],
    ['a token', stack.token],
    ["the organization's password of the database", passwordOf(await read('database-url'))],
    ["the owner's password of the database", passwordOf(stack.database.url)],
    ["the superuser's password of the database", passwordOf(superuserUrl)],
  ]);
  for (const file of ['data-keys.json', 'namespace-keys.json']) {
    for (const [index, key] of stringsIn(JSON.parse(await read(file))).entries()) {
      secrets.set(`key ${index} of ${file}`, key);
    }
  }
  return secrets;
}

/** Texts that are long enough to be keys. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.length >= 40 ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** The forms in which a text may be written. */
function formsOf(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  // Within base64, a text looks different by where it begins; its first and last characters depend on its neighbours.
  const inBase64 = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '')
      .slice(offset === 0 ? 0 : 4, -4),
  );
  return [text, bytes.toString('hex'), JSON.stringify(text).slice(1, -1), ...inBase64].map((form) => Buffer.from(form));
}

/** Looks for secrets wherever anything of a run is left. @param told what clients were told */
export async function findSecrets(installation: Installation, told: readonly string[]): Promise<Place[]> {
  const secrets = [...(await secretsOf(installation))].map(([secret, text]) => ({ secret, forms: formsOf(text) }));
  const found: Place[] = [];
  for await (const [place, left] of leftovers(installation, told)) {
    const content = Buffer.from(left);
    for (const { secret, forms } of secrets) {
      if (forms.some((form) => content.includes(form))) found.push({ place, secret });
    }
  }
  return found;
}

async function* leftovers(
  installation: Installation,
  told: readonly string[],
): AsyncIterable<readonly [string, Buffer | string]> {
  const { stack, traces, logs, volumes, query, withDatabase } = installation;
  yield ["the operator's and the first proxy's log", stack.log()];
  yield ['Events', await readFile(join(stack.stateDirectory, 'events.jsonl')).catch(() => '')];
  for (const part of ['objects', 'status']) yield* filesIn(join(stack.stateDirectory, part));
  for (const file of logs) yield [`the log ${file}`, await readFile(file)];
  yield ['metrics', await (await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`)).text()];
  yield ['traces', traces.join('\n')];
  yield ['what clients were told', told.join('\n')];
  for (const volume of volumes) yield* filesIn(volume);
  const [row] = await query<{ data_directory: string }>('show data_directory');
  // Rows, indexes, the log of changes and the server's own log: more than a dump has.
  yield* filesIn(dirname(row?.data_directory ?? ''));
  yield* await withDatabase(dump);
}

/** Large values are compressed in the files, so each row is looked at as text, too. */
async function dump(database: Client): Promise<(readonly [string, string])[]> {
  const { rows } = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const tables: (readonly [string, string])[] = [];
  for (const { name } of rows) {
    const { rows: texts } = await database.query<{ text: string }>(`select t::text as text from ${name} t`);
    tables.push([`table ${name}`, texts.map(({ text }) => text).join('\n')]);
  }
  return tables;
}

async function* filesIn(directory: string): AsyncIterable<readonly [string, Buffer]> {
  // A volume of a fault may be gone.
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries) {
    // Passwords of local mode, which only its user can read.
    if (!entry.isFile() || entry.name.endsWith('.password')) continue;
    const path = join(entry.parentPath, entry.name);
    yield [path, await readFile(path).catch(() => Buffer.alloc(0))];
  }
}
