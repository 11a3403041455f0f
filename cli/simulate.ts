import { readFile } from 'node:fs/promises';
import { readRecordedCalls } from '../database/recorded-calls.ts';
import { parsePeriod } from '../proxy/governance/simulation/period.ts';
import { readChange } from '../proxy/governance/simulation/read-change.ts';
import {
  simulate as replay,
  type SimulationOptions,
  type SimulationSource,
} from '../proxy/governance/simulation/simulate.ts';
import { requireOrganization } from './find-organization.ts';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';
import { endOfInput, readInput } from './read-input.ts';
import { renderSimulation, type SimulationFormat } from './simulate/render.ts';

export interface SimulateOptions extends InstallationOptions {
  /** A file with the changed resources, or `-`. */
  readonly file: string;
  readonly since: string;
  readonly until?: string;
  readonly user?: string;
  readonly model?: string;
  /** Absent: the one in the file. */
  readonly organization?: string;
  readonly output: SimulationFormat;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

/** `chaperone simulate`: prints what a changed Organization would have done with the recorded calls. */
export async function simulate(options: SimulateOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { file, databaseUrlFile } = options;
  const text = file === '-' ? await readInput(process.stdin) : await readFile(file, 'utf8');
  const simulation = readSimulation(options, text);
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    if (text.split('\n').includes(endOfInput)) throw new Error(`${file} has a line "${endOfInput}"; leave it out`);
    process.exitCode = await runInOperator(
      installation,
      toCommand(options, simulation.period, simulation.organization),
      text,
    );
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  process.stdout.write(await runSimulation(database, options, simulation, installation?.kind === 'local'));
}

type Wanted = Omit<SimulateOptions, keyof InstallationOptions | 'databaseUrlFile'>;

/** Reads what to simulate. @param text of the file */
export function readSimulation(options: Wanted, text: string) {
  const period = parsePeriod(options, Date.now(), { since: '--since', until: '--until' });
  return { period, ...readChange(options.file, text, options.organization) };
}

/** @returns what the command prints */
export function runSimulation(
  database: OwnerDatabase,
  { user, model, output }: Pick<Wanted, 'user' | 'model' | 'output'>,
  { period, organization, changed }: ReturnType<typeof readSimulation>,
  isOneMachine: boolean,
): Promise<string> {
  return withOwnerDatabase(database, 'simulate', async (db) => {
    const { id, name } = await requireOrganization(db, organization);
    const source: SimulationSource = { query: (read) => read(db), calls: (of) => readRecordedCalls(db, id, of) };
    const simulation = await replay(source, { organizationId: id, changed, ...period, user, model, isOneMachine });
    return renderSimulation({ organization: name, ...period, user, model, ...simulation }, output);
  });
}

function toCommand(
  { user, model, output }: SimulateOptions,
  { sinceMs, untilMs }: Pick<SimulationOptions, 'sinceMs' | 'untilMs'>,
  organization: string,
): string[] {
  const named = Object.entries({ user, model, organization });
  const [since, until] = [sinceMs, untilMs].map((ms) => new Date(ms).toISOString());
  return [
    ...['simulate', '--file', '-', `--since=${since}`, `--until=${until}`, '--output', output],
    ...named.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
  ];
}
