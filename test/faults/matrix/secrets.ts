import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Client } from 'pg';
import { masterFile, operatorNamespace, signingSecretName } from '../../../operator/credentials.ts';
import { type Finding, findSecrets as find, type Leftover } from '../../planted/search.ts';
import { secretPrompt } from './calls.ts';
import { type Installation, secretKey } from './installation.ts';

/** What must be nowhere, by a name that may be shown. */
export async function secretsOf(installation: Installation): Promise<Map<string, string>> {
  const { stack, superuserUrl } = installation;
  const read = (name: string) => readFile(join(stack.credentialsDirectory, name), 'utf8');
  const passwordOf = (url: string) => decodeURIComponent(new URL(url.trim()).password);
  const secrets = new Map([
    ['the provider key', secretKey],
    ['a prompt', secretPrompt],
    ['a token', stack.token],
    ["the organization's password of the database", passwordOf(await read('database-url'))],
    [
      'the synthetic key',
      await readFile(join(secretsIn(installation), 'default', 'openai-shared-synthetic-key', 'api-key'), 'utf8'),
    ],
    ...(await operatorsOwn(installation)),
    ["the superuser's password of the database", passwordOf(superuserUrl)],
  ]);
  for (const file of ['data-keys.json', 'namespace-keys.json']) {
    for (const [index, key] of stringsIn(JSON.parse(await read(file))).entries()) {
      secrets.set(`key ${index} of ${file}`, key);
    }
  }
  return secrets;
}

/** What only the operator may have, by a name that may be shown. */
export async function operatorsOwn(installation: Installation): Promise<Map<string, string>> {
  const own = join(secretsIn(installation), operatorNamespace, signingSecretName('acme'));
  const { keys }: { keys: { d: string }[] } = JSON.parse(await readFile(join(own, 'keys.json'), 'utf8'));
  const master = stringsIn(JSON.parse(await readFile(join(own, masterFile), 'utf8')));
  const { password } = new URL(installation.stack.database.url);
  return new Map([
    ...keys.map(({ d }, index) => [`signing key ${index}`, d] as const),
    ...master.map((key, index) => [`master ${index} of namespace keys`, key] as const),
    ["the owner's password of the database", decodeURIComponent(password)],
  ]);
}

/** Where the operator keeps Secrets, by namespace and name. */
function secretsIn({ stack }: Installation): string {
  return dirname(dirname(stack.credentialsDirectory));
}

/** Texts that are long enough to be keys. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.length >= 40 ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** Looks for secrets wherever anything of a run is left. @param told what clients were told */
export async function findSecrets(installation: Installation, told: readonly string[]): Promise<Finding[]> {
  return find(await secretsOf(installation), leftovers(installation, told));
}

/** Everything that a run leaves behind. */
export async function* leftovers(installation: Installation, told: readonly string[]): AsyncIterable<Leftover> {
  const { stack, traces, logs, volumes, query, withDatabase } = installation;
  yield ["the operator's and the first proxy's log", stack.log()];
  yield ['Events', await readFile(join(stack.stateDirectory, 'events.jsonl')).catch(() => '')];
  for (const part of ['objects', 'status']) yield* filesIn(join(stack.stateDirectory, part));
  for (const file of logs) yield [`the log ${file}`, await readFile(file)];
  yield ['metrics', await (await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`)).text()];
  yield ['traces', traces.join('\n')];
  yield ['what clients were told', told.join('\n')];
  yield* processOf(stack.proxy.pid());
  for (const volume of volumes) yield* filesIn(volume);
  const [row] = await query<{ data_directory: string }>('show data_directory');
  // Rows, indexes, the log of changes and the server's own log: more than a dump has.
  yield* filesIn(dirname(row?.data_directory ?? ''));
  yield* await withDatabase(dump);
}

/** What any user of the machine, or whoever may look into the pod, sees of a process. Linux only. */
async function* processOf(pid: number | undefined): AsyncIterable<Leftover> {
  for (const file of ['cmdline', 'environ']) {
    yield [`${file} of the proxy`, await readFile(`/proc/${pid}/${file}`).catch(() => '')];
  }
}

/** Large values are compressed in the files, so each row is looked at as text, too. */
async function dump(database: Client): Promise<Leftover[]> {
  const { rows } = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const tables: Leftover[] = [];
  for (const { name } of rows) {
    const { rows: texts } = await database.query<{ text: string }>(`select t::text as text from ${name} t`);
    tables.push([`table ${name}`, texts.map(({ text }) => text).join('\n')]);
  }
  return tables;
}

export async function* filesIn(directory: string): AsyncIterable<Leftover> {
  // A volume of a fault may be gone.
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries) {
    // Passwords of local mode, which only its user can read.
    if (!entry.isFile() || entry.name.endsWith('.password')) continue;
    const path = join(entry.parentPath, entry.name);
    yield [path, await readFile(path).catch(() => Buffer.alloc(0))];
  }
}
