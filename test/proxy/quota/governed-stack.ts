import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI from 'openai';
import { Client } from 'pg';
import { parse, parseDocument } from 'yaml';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { replaceFile } from '../../directories.ts';
import type { TestProxy } from '../../proxy-here.ts';
import { startProxy } from '../../proxy-process.ts';
import { atEnd, type Scope } from '../../scope.ts';
import { type ProcessStackOptions, type Stack, type StackOptions, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

/** A stack whose limits and budgets a test states. */
export interface GovernedStack<Proxy extends TestProxy = TestProxy> extends Stack<Proxy> {
  /** Each after the first is a process of its own. */
  readonly proxies: readonly [Proxy, ...ProxyProcess[]];
  readonly owner: Client;
  /** Puts fields of the Organization's spec, as YAML, in force at every proxy. All former rules go. */
  state(yaml: string): Promise<void>;
  /** A client that retries nothing, as this user. */
  client(user: string, proxy?: TestProxy): OpenAI;
  /** A metric's lines. */
  metric(name: string, proxy?: TestProxy): Promise<string[]>;
}

interface MoreProxies {
  /** Absent: one. */
  readonly proxies?: number;
}

export function startGovernedStack(
  scope: Scope,
  options: ProcessStackOptions & MoreProxies,
): Promise<GovernedStack<ProxyProcess>>;
export function startGovernedStack(scope: Scope, options?: StackOptions & MoreProxies): Promise<GovernedStack>;
export async function startGovernedStack(
  scope: Scope,
  options: StackOptions & MoreProxies = {},
): Promise<GovernedStack> {
  const stack = await startStack(scope, options);
  const proxies: [TestProxy, ...ProxyProcess[]] = [stack.proxy];
  while (proxies.length < (options.proxies ?? 1)) proxies.push(await startProxy(scope, stack));
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
  const versionOf = async (proxy: TestProxy) =>
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
