import type { FileProblem } from '../../operator/cluster/directory.ts';
import type { Told } from './readiness.ts';

/** The user of the printed example calls. */
export const exampleUser = 'you@example.com';

export interface ReadyReport {
  readonly organizations: readonly {
    readonly name: string;
    readonly baseUrl: string;
    readonly metricsUrl: string;
    readonly token: string;
    /** A token for `exampleUser`. Clients with it need not send `X-User-ID`. */
    readonly userToken: string;
  }[];
  readonly databaseUrl: string;
  readonly upstream: string;
  readonly isSandbox: boolean;
  readonly directory: string;
  readonly log: string;
  readonly pid: number;
}

/** Writes what `chaperone up` reports to the person or the script that started it. */
export function makeReport({ quiet, json }: { readonly quiet?: boolean; readonly json?: boolean }) {
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const note = (sentence: string) => {
    if (!quiet && !json) say(sentence);
  };
  return {
    note,
    problem(problem: FileProblem): void {
      const { object } = problem;
      const where = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`;
      const what = object === undefined ? '' : ` ${object}`;
      const field = problem.field === undefined || problem.field === '' ? '' : ` ${problem.field}:`;
      say(`! ${where}${what}:${field} ${problem.reason}`);
    },
    /** Reports each file or object that has no problem left. @param current the remaining problems */
    fixed(solved: readonly FileProblem[], current: readonly FileProblem[]): void {
      const wrong = new Set(current.map(placeOf));
      for (const place of new Set(solved.map(placeOf))) {
        if (!wrong.has(place)) note(`${place}: corrected`);
      }
    },
    told({ wrong, notes }: Told): void {
      for (const sentence of wrong) say(`! ${sentence}`);
      for (const sentence of notes) note(sentence);
    },
    failure(sentence: string): void {
      say(`chaperone: ${sentence}`);
    },
    ready(ready: ReadyReport): void {
      if (json) {
        const { databaseUrl, upstream, pid } = ready;
        const organizations = ready.organizations.map(({ userToken: _, ...told }) => told);
        process.stdout.write(`${JSON.stringify({ organizations, databaseUrl, upstream, pid })}\n`);
      } else if (!quiet) process.stdout.write(describe(ready));
    },
  };
}

function placeOf({ file, object }: FileProblem): string {
  return object === undefined ? file : `${file} ${object}`;
}

function describe({ organizations, databaseUrl, upstream, isSandbox, directory, log }: ReadyReport): string {
  const lines = ['', 'Chaperone is up.', ''];
  const row = (label: string, value: string) => lines.push(`  ${label.padEnd(12)} ${value}`);
  row('resources', `${directory} (watched: an edit takes effect at once)`);
  row('database', databaseUrl.replace(/\/\/([^:]+):[^@]+@/, '//$1:***@'));
  row('upstream', isSandbox ? `${upstream}  *** SANDBOX: a stand-in, no real model answers ***` : upstream);
  row('log', log);
  for (const { name, baseUrl, metricsUrl, token, userToken } of organizations) {
    lines.push('', `Organization ${name}`);
    row('API', baseUrl);
    row('console', `${new URL('/', baseUrl)}  (in a browser; it takes the second token)`);
    row('metrics', metricsUrl);
    row('token', `${token}  (with the header X-User-ID)`);
    row('or', `${userToken}  (of ${exampleUser}: for clients that send no X-User-ID)`);
    lines.push('', 'Try it:', '', ...curl(baseUrl, token));
  }
  if (organizations.length === 0)
    lines.push('', `There is no Organization in ${directory} yet; add one, and it is served at once.`);
  if (isSandbox) lines.push('', 'For real answers: OPENAI_API_KEY=sk-... npm start');
  return `${lines.join('\n')}\n\nCtrl-C stops everything.\n`;
}

function curl(baseUrl: string, token: string): string[] {
  return [
    `curl ${baseUrl}/responses \\`,
    `  -H 'Authorization: Bearer ${token}' \\`,
    `  -H 'X-User-ID: ${exampleUser}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '{"model": "gpt-4o-mini", "input": "Hello!"}'`,
  ];
}
