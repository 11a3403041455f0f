import { openSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { pino } from 'pino';
import { makeDirectoryCluster } from '../operator/cluster/directory.ts';
import { startOperator } from '../operator/operator.ts';
import { makeLevelSwitch } from '../proxy/logs/level-switch.ts';
import { startDatabase } from './local/database.ts';
import { startFleet } from './local/fleet.ts';
import { followReadiness } from './local/follow-readiness.ts';
import { egressEnvironment } from './local/proxies.ts';
import { exampleUser, makeReport } from './local/report.ts';
import { statePaths } from './local/state.ts';
import { chooseUpstream } from './local/upstream.ts';
import { startWorkerProcess } from './local/worker.ts';
import { logOptions } from './log-options.ts';
import { openOperatorTraces } from './operator/traces.ts';
import { signToken } from './token.ts';

export interface UpOptions {
  readonly port: number;
  readonly metricsPort: number;
  readonly data: string;
  readonly upstream?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
  /** Of this program. */
  readonly version: string;
}

const workerStopMs = 4_000;

/** `chaperone up`: everything on this machine, until SIGTERM or SIGINT. */
export async function up(directory: string, options: UpOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const paths = statePaths(options.data);
  const report = makeReport(options);
  const releasers: (() => Promise<unknown>)[] = [];
  const starting = new AbortController();
  let stopping: Promise<void> | undefined;
  const release = async () => {
    for (const releaser of releasers.splice(0).reverse()) await releaser();
  };
  const stop = (signal: string) => {
    stopping ??= (async () => {
      report.note(`\nStopping (${signal}) ...`);
      starting.abort();
      await release();
      process.exit(0);
    })();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(signal));

  try {
    await mkdir(paths.root, { recursive: true, mode: 0o700 });
    const log = pino(logOptions('info'), pino.destination({ dest: paths.log, sync: true }));
    const cluster = makeDirectoryCluster({
      directory,
      stateDirectory: paths.state,
      environment,
      onProblem: (problem) => {
        log.error(problem, 'a resource is invalid');
        report.problem(problem);
        keepProblems();
      },
      onFixed: (solved) => {
        report.fixed(solved, cluster.problems());
        keepProblems();
      },
    });
    const keepProblems = () => writeFileSync(paths.problems, JSON.stringify(cluster.problems()));
    await cluster.start();
    keepProblems();
    releasers.push(() => cluster.close());

    const database = await startDatabase({
      directory: paths.postgres,
      log: report.note,
      signal: starting.signal,
      onFault: report.failure,
    });
    releasers.push(database.stop);
    const upstream = await chooseUpstream(options.upstream, environment, options.port);
    releasers.push(upstream.close);
    const traces = await openOperatorTraces({ environment, version: options.version, log });
    if (traces) releasers.push(traces.close);
    const onWork = traces && { onWork: traces.onWork };
    const operator = await startOperator({ cluster, databaseUrl: database.url, isOneMachine: true, log, ...onWork });
    releasers.push(operator.stop);
    await operator.idle();

    const ofProcesses = {
      entry: process.argv[1] ?? '',
      upstreamUrl: upstream.url,
      // The sandbox speaks both APIs. Any other upstream must not get the key of another vendor.
      ...(upstream.isSandbox && { anthropicUrl: upstream.url }),
      logFile: openSync(paths.log, 'a'),
    };
    const worker = await startWorkerProcess({
      ...ofProcesses,
      credentialsDirectory: paths.workerCredentials,
      dataDirectory: paths.worker,
      metricsPort: 0,
      environment: egressEnvironment(environment),
      onRestart: (reason) => report.note(`The worker ended (${reason}) and is being restarted.`),
    });
    releasers.push(() => worker.stop(workerStopMs));
    const fleet = await startFleet({
      ...{ cluster, paths, ...ofProcesses, environment },
      firstPort: options.port,
      firstMetricsPort: options.metricsPort,
      onChange: report.note,
    });
    releasers.push(fleet.stop);
    const levels = makeLevelSwitch(log);
    process.on('SIGUSR2', () => {
      levels.toggleDebug();
      for (const pid of [worker, ...fleet.proxies()].map((one) => one.pid())) if (pid) process.kill(pid, 'SIGUSR2');
    });
    const organizations = await Promise.all(
      fleet.proxies().map(async ({ organization, port, metricsPort }) => ({
        name: organization,
        baseUrl: `http://127.0.0.1:${port}/v1`,
        metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
        token: await signToken({ organization, data: options.data }),
        userToken: await signToken({ organization, user: exampleUser, data: options.data }),
      })),
    );
    report.ready({
      organizations,
      databaseUrl: database.url,
      upstream: upstream.url,
      isSandbox: upstream.isSandbox,
      directory,
      log: paths.log,
      pid: process.pid,
    });
    const unfollow = followReadiness({ cluster, tell: report.told });
    releasers.push(async () => unfollow());
  } catch (error) {
    if (stopping) return;
    report.failure(error instanceof Error ? error.message : String(error));
    await release();
    process.exit(1);
  }
}
