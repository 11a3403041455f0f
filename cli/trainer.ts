import type { Server } from 'node:http';
import { makeReport, type Report } from '../trainer/report.ts';
import { serve } from '../trainer/serving/serve.ts';
import { readTrainerSettings } from '../trainer/settings.ts';
import { openStore } from '../trainer/stores/open.ts';
import { train } from '../trainer/train.ts';
import { TrainerError } from '../trainer/trainer-error.ts';

/** By convention, of a process that SIGTERM ended. */
const terminatedExitCode = 143;

export interface ServeCommandOptions {
  readonly port: number;
}

/** `chaperone trainer train`: one pod of a training job. The environment says everything (docs/training.md). */
export async function trainModel(environment: NodeJS.ProcessEnv): Promise<void> {
  const report = makeReport((line) => process.stdout.write(`${line}\n`));
  const stopping = new AbortController();
  process.once('SIGTERM', () => stopping.abort());
  await orExit(report, stopping.signal, async () => {
    const settings = readTrainerSettings(environment);
    await train({ settings, store: openStore(environment), report, signal: stopping.signal });
  });
  process.exit(0);
}

/** `chaperone trainer serve`: serves a trained model until SIGTERM. */
export async function serveModel({ port }: ServeCommandOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const report = makeReport((line) => process.stdout.write(`${line}\n`));
  const { MODEL_URI: modelUri, DEPLOYMENT_NAME: name = 'model', SERVING_TOKEN: token } = environment;
  let server: Server | undefined;
  process.once('SIGTERM', () => {
    if (!server) process.exit(terminatedExitCode);
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
  await orExit(report, undefined, async () => {
    if (!modelUri) throw new TrainerError('configuration', 'The environment variable MODEL_URI is missing');
    server = await serve({ store: openStore(environment), modelUri, name, token: token || undefined, port });
    report.say(`Serving ${modelUri} at port ${port}`);
  });
}

async function orExit(report: Report, signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (signal?.aborted) process.exit(terminatedExitCode);
    report.failed(error instanceof Error ? error.message : String(error));
    if (!(error instanceof TrainerError)) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exit(error instanceof TrainerError ? error.exitCode : 1);
  }
}
