import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI from 'openai';
import { Client } from 'pg';
import { parse, parseDocument } from 'yaml';
import { type ProxyProcess, startProxyProcess } from '../../../cli/local/proxies.ts';
import { makeDirectory, replaceFile } from '../../directories.ts';
import { program } from '../../program.ts';
import { atEnd, type Scope } from '../../scope.ts';
import { type Stack, type StackOptions, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

/** A stack whose limits and budgets a test states. */
export interface GovernedStack extends Stack {
  readonly proxies: readonly ProxyProcess[];
  readonly owner: Client;
  /** Puts fields of the Organization's spec, as YAML, in force at every proxy. All former rules go. */
  state(yaml: string): Promise<void>;
  /** A client that retries nothing, as this user. */
  client(user: string, proxy?: ProxyProcess): OpenAI;
  /** A metric's lines. */
  metric(name: string, proxy?: ProxyProcess): Promise<string[]>;
}

export async function startGovernedStack(
  scope: Scope,
  options: StackOptions & { readonly proxies?: number } = {},
): Promise<GovernedStack> {
  const stack = await startStack(scope, options);
  const proxies = [stack.proxy];
  while (proxies.length < (options.proxies ?? 1)) proxies.push(await startAnother(scope, stack));
  const owner = new Client({ connectionString: stack.database.url });
  owner.on('error', () => {});
  await owner.connect();
  atEnd(scope, () => owner.end().catch(() => {}));
  const file = join(stack.directory, 'organization.yaml');
  const original = await readFile(file, 'utf8');

  const metric = async (name: string, proxy = stack.proxy) => {
    const text = await (await fetch(`http://127.0.0.1:${proxy.metricsPort}/metrics`)).text();
    return text.split('\n').filter((line) => line.startsWith(name));
  };
  const versionOf = async (proxy: ProxyProcess) =>
    Number((await metric('chaperone_snapshot_version', proxy))[0]?.split(' ')[1]);
  return {
    ...stack,
    proxies,
    owner,
    metric,
    async state(yaml) {
      const document = parseDocument(original);
      const fields: Record<string, unknown> = parse(yaml) ?? {};
      // Every model, so that nothing but a rule refuses a call.
      document.deleteIn(['spec', 'models']);
      for (const [field, value] of Object.entries(fields)) document.setIn(['spec', field], value);
      await replaceFile(file, document.toString());
      await until(async () => {
        const { rows } = await owner.query<{ version: string; has_all: boolean }>(
          `select v.version, o.spec @> $1::jsonb as has_all
           from chaperone.config_versions v join chaperone.organizations o using (organization_id)`,
          [JSON.stringify(fields)],
        );
        const [row] = rows;
        if (!row?.has_all) return false;
        const versions = await Promise.all(proxies.map(versionOf));
        return versions.every((version) => version >= Number(row.version));
      }, 'the rules to be in force');
    },
    client: (user, proxy = stack.proxy) =>
      new OpenAI({
        baseURL: `http://127.0.0.1:${proxy.port}/v1`,
        apiKey: stack.token,
        defaultHeaders: { 'X-User-ID': user },
        maxRetries: 0,
      }),
  };
}

/** Another proxy of the organization, with a volume of its own. */
async function startAnother(scope: Scope, stack: Stack): Promise<ProxyProcess> {
  const directory = await makeDirectory(scope);
  const proxy = await startProxyProcess({
    organization: 'acme',
    entry: program(),
    credentialsDirectory: stack.credentialsDirectory,
    dataDirectory: join(directory, 'data'),
    port: 0,
    metricsPort: 0,
    upstreamUrl: stack.upstreamUrl,
    logFile: openSync(join(directory, 'log'), 'a'),
    onRestart: () => {},
  });
  atEnd(scope, () => proxy.stop(4_000));
  return proxy;
}

/** An error of OpenAI's SDK. */
export async function refusalOf(call: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  try {
    await call;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error;
    throw error;
  }
  throw new Error('The call was not refused');
}
