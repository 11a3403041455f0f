import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { makeDirectory } from '../directories.ts';
import { freePort } from '../free-port.ts';
import { atEnd, type Scope } from '../scope.ts';
import { until } from '../until.ts';

const isInstalled = ['prometheus', 'promtool'].every((program) => spawnSync(program, ['--version']).status === 0);

/** For a suite's options. CI installs Prometheus, so there the suite fails without it. */
export const skip =
  !isInstalled &&
  process.env.CI !== 'true' &&
  'Prometheus is not installed (on Debian: apt-get install prometheus); with it, run: npm test -- test/dashboards';

export interface Target {
  readonly job: string;
  readonly port: number;
  /** Labels that the Prometheus operator would add. */
  readonly labels: Readonly<Record<string, string>>;
  readonly honorsLabels?: boolean;
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  /** @throws with Prometheus's message where it does not take the query */
  query(expr: string): Promise<readonly Sample[]>;
  labelValues(label: string, selector: string): Promise<readonly string[]>;
  /** Rules that Prometheus could not evaluate, with its message. */
  brokenRules(): Promise<readonly string[]>;
  /** Waits until every target was scraped after now. */
  untilScraped(): Promise<void>;
}

/** Starts a Prometheus on the loopback interface that scrapes and evaluates every second. */
export async function startPrometheus(
  scope: Scope,
  targets: readonly Target[],
  ruleFiles: readonly string[],
): Promise<Prometheus> {
  const directory = await makeDirectory(scope);
  const port = await freePort();
  const configuration = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ruleFiles,
    scrape_configs: targets.map(({ job, port: scraped, labels, honorsLabels = false }) => ({
      job_name: job,
      honor_labels: honorsLabels,
      static_configs: [{ targets: [`127.0.0.1:${scraped}`], labels }],
    })),
  };
  const file = join(directory, 'prometheus.yaml');
  await writeFile(file, stringify(configuration));
  const child = spawn(
    'prometheus',
    [
      ...[`--config.file=${file}`, `--storage.tsdb.path=${join(directory, 'data')}`],
      ...[`--web.listen-address=127.0.0.1:${port}`, '--log.level=error'],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, GOMAXPROCS: '1' } },
  );
  atEnd(scope, async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok, 'Prometheus to be ready');

  const ask = async <T>(path: string, parameters: Record<string, string> = {}): Promise<T> => {
    const body = new URLSearchParams(parameters);
    const answer = await fetch(`${url}/api/v1/${path}${path === 'query' ? '' : `?${body}`}`, {
      ...(path === 'query' && { method: 'POST', body }),
    });
    const told = (await answer.json()) as { status: string; error?: string; data: T };
    if (told.status !== 'success') throw new Error(`${told.error}: ${parameters.query ?? path}`);
    return told.data;
  };
  const query = async (expr: string) => {
    const { resultType, result } = await ask<{ resultType: string; result: unknown }>('query', { query: expr });
    if (resultType === 'scalar') return [{ metric: {}, value: Number((result as [number, string])[1]) }];
    return (result as { metric: Record<string, string>; value: [number, string] }[]).map(({ metric, value }) => ({
      metric,
      value: Number(value[1]),
    }));
  };
  return {
    query,
    labelValues: (label, selector) => ask(`label/${label}/values`, { 'match[]': selector }),
    async brokenRules() {
      const { groups } = await ask<{ groups: { rules: { name: string; health: string; lastError?: string }[] }[] }>(
        'rules',
      );
      return groups.flatMap(({ rules }) =>
        rules
          .filter(({ health }) => health !== 'ok')
          .map(({ name, health, lastError }) => `${name}: ${lastError ?? health}`),
      );
    },
    async untilScraped() {
      const sinceS = Date.now() / 1_000;
      await until(async () => {
        // Of anything but a selector, timestamp() is the time of the query.
        const scraped = await query('timestamp(up)');
        const failed = await query('up == 0');
        return failed.length === 0 && scraped.length === targets.length && scraped.every(({ value }) => value > sinceS);
      }, 'all targets to be scraped');
    },
  };
}
