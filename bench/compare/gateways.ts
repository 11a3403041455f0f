import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchmarkContext } from '../benchmark.ts';
import { findFreePort, plainEnvironment, startChild, stopChild } from '../child.ts';
import { untilAnswered } from '../path/http.ts';
import { installLiteLlm, installPortkey } from './environments.ts';

/** A running gateway. */
export interface Gateway {
  readonly version: string;
  readonly port: number;
  readonly pid: number;
  /** What a request needs besides its body. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a gateway is installed, and what it calls. */
export interface Place {
  /** For installed packages. They may be there already. */
  readonly environments: string;
  /** For files of this run. */
  readonly directory: string;
  readonly upstreamUrl: string;
}

const startTimeoutMs = 180_000;

/** Starts Portkey's gateway. The request itself names its provider. */
export async function startPortkey(
  { environments, directory, upstreamUrl }: Place,
  context: BenchmarkContext,
): Promise<Gateway> {
  const { program, version } = await installPortkey(join(environments, 'portkey'));
  const port = await findFreePort();
  const home = await makeHome(directory, 'portkey');
  const pid = await start(
    process.execPath,
    [program, `--port=${port}`, '--headless'],
    { port, path: '/', home },
    context,
  );
  return {
    version,
    port,
    pid,
    headers: {
      authorization: 'Bearer sk-bench',
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': upstreamUrl,
    },
  };
}

/** Starts LiteLLM's proxy with one worker and without a database. */
export async function startLiteLlm(
  { environments, directory, upstreamUrl }: Place,
  context: BenchmarkContext,
): Promise<Gateway> {
  const { program, version } = await installLiteLlm(join(environments, 'litellm'));
  const port = await findFreePort();
  const home = await makeHome(directory, 'litellm');
  const key = `sk-${randomBytes(24).toString('hex')}`;
  const config = join(home, 'config.json');
  await writeFile(config, JSON.stringify(liteLlmConfig(upstreamUrl, key)));
  const args = ['--config', config, '--host', '127.0.0.1', '--port', String(port), '--num_workers', '1'];
  const pid = await start(program, args, { port, path: '/health/liveliness', home }, context);
  return { version, port, pid, headers: { authorization: `Bearer ${key}` } };
}

/** YAML, which JSON is, too. */
function liteLlmConfig(upstreamUrl: string, key: string): object {
  const model = 'gpt-4o-mini';
  return {
    model_list: [
      { model_name: model, litellm_params: { model: `openai/${model}`, api_base: upstreamUrl, api_key: 'sk-bench' } },
    ],
    litellm_settings: { telemetry: false },
    general_settings: { master_key: key },
  };
}

async function makeHome(directory: string, name: string): Promise<string> {
  const home = join(directory, name);
  await mkdir(home, { recursive: true });
  return home;
}

async function start(
  command: string,
  args: readonly string[],
  { port, path, home }: { port: number; path: string; home: string },
  { onEnd }: BenchmarkContext,
): Promise<number> {
  const child = startChild(command, args, {
    cwd: home,
    stdio: 'ignore',
    // LiteLLM uses the price list in its package, instead of asking for one.
    env: { ...plainEnvironment, HOME: home, NODE_ENV: 'production', LITELLM_LOCAL_MODEL_COST_MAP: 'True' },
  });
  onEnd(() => stopChild(child));
  await untilAnswered(child, port, path, startTimeoutMs);
  if (child.pid === undefined) throw new Error(`${command} has no process`);
  return child.pid;
}
