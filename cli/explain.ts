import { readFile } from 'node:fs/promises';
import { explainOffline } from '../proxy/offline/explain.ts';
import { type ExplainFormat, renderExplanation } from './explain/render.ts';
import { requireOrganization } from './find-organization.ts';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';
import { readInput } from './read-input.ts';

export interface ExplainCommandOptions extends InstallationOptions {
  /** Absent: the only one that there is. */
  readonly organization?: string;
  /** A name such as `chat`, or a path such as `/v1/chat/completions`. */
  readonly call: string;
  /** A file with the body, or `-`. */
  readonly body?: string;
  readonly model?: string;
  readonly user?: string;
  readonly session?: string;
  /** Its `X-Optimization-Level`. */
  readonly level?: string;
  /** `namespace/workload` of the pod that would call. */
  readonly workload?: string;
  readonly output: ExplainFormat;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

/** `chaperone explain`: prints what would happen to a call now, and which field of which resource decides. */
export async function explain(options: ExplainCommandOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { call, model, user, session, level, databaseUrlFile, organization: named } = options;
  const body = await readBody(options.body);
  const pod = readWorkload(options.workload);
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    const input = body === undefined ? undefined : JSON.stringify(body);
    process.exitCode = await runInOperator(installation, toCommand(options), input);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  await withOwnerDatabase(database, 'explain', async (db) => {
    const { id, name } = await requireOrganization(db, named);
    const explained = await explainOffline(db, {
      organizationId: id,
      isOneMachine: installation?.kind === 'local',
      ...(call.startsWith('/') ? { path: call } : { operation: call }),
      ...{ body, model, user, session, level, ...pod },
    });
    process.stdout.write(renderExplanation(name, explained, options.output));
  });
}

/** @throws {Error} where it cannot be read, or is no JSON object */
async function readBody(file: string | undefined): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (file === undefined) return undefined;
  const text = file === '-' ? await readInput(process.stdin) : await readFile(file, 'utf8');
  const body: unknown = JSON.parse(text);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body };
  throw new Error('--body must be a file with a JSON object');
}

function readWorkload(text: string | undefined) {
  if (text === undefined) return {};
  const [namespace = '', workload = '', ...rest] = text.split('/');
  if (namespace !== '' && rest.length === 0) return { namespace, workload };
  throw new Error('--workload must be namespace/name, or a namespace');
}

function toCommand({ call, body, output, ...options }: ExplainCommandOptions): string[] {
  const { organization, model, user, session, level, workload } = options;
  const named = Object.entries({ organization, model, user, session, level, workload });
  return [
    ...['explain', call, '--output', output],
    ...(body === undefined ? [] : ['--body', '-']),
    ...named.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
  ];
}
