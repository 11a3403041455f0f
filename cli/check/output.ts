import { styleText } from 'node:util';
import { type CheckResult, type Finding, type GroupResult, judge } from './check.ts';

export const outputFormats = ['table', 'short', 'json'] as const;
export type OutputFormat = (typeof outputFormats)[number];

const marks = { ok: '√', unknown: '?', warning: '‼', failed: '×' } as const;
const colors = { ok: 'green', unknown: 'cyan', warning: 'yellow', failed: 'red' } as const;

/** The most objects that the terminal shows for one check. JSON has all of them. */
const mostItems = 10;

/** The documentation of a check. */
export function docsOf(id: string): string {
  return `docs/kubernetes.md#check-${id}`;
}

/**
 * Renders the results: every check (`table`), only what is not ok (`short`), or JSON for programs (`json`).
 *
 * @param stream the destination, which decides whether there are colours
 */
export function render(results: readonly GroupResult[], format: OutputFormat, stream: NodeJS.WriteStream): string {
  if (format === 'json') return `${JSON.stringify(toJson(results), null, 2)}\n`;
  const paint = (status: Finding['status'], text: string) => styleText(colors[status], text, { stream });
  const wanted = (check: CheckResult) => format === 'table' || check.finding.status !== 'ok';
  const sections = results
    .map(({ name, checks }) => ({ name, checks: checks.filter(wanted) }))
    .filter(({ checks }) => checks.length > 0)
    .map(({ name, checks }) => {
      return [name, '-'.repeat(name.length), ...checks.flatMap((check) => describe(check, paint)), ''].join('\n');
    });
  const worst = judge(results);
  const verdict = `Status check results are ${paint(worst, marks[worst])}`;
  return `${[...sections, verdict, ...describeUnknown(results)].join('\n')}\n`;
}

function describeUnknown(results: readonly GroupResult[]): string[] {
  const count = results.flatMap(({ checks }) => checks).filter(({ finding }) => finding.status === 'unknown').length;
  return count === 0 ? [] : [`(${count === 1 ? 'One check' : `${count} checks`} could not run; see the reasons above)`];
}

function describe(
  { id, description, finding }: CheckResult,
  paint: (status: Finding['status'], text: string) => string,
): string[] {
  const { status, message } = finding;
  const mark = paint(status, marks[status]);
  if (status === 'ok' || status === 'unknown') {
    const prefix = status === 'ok' ? '' : 'not known: ';
    return [`${mark} ${description}${message === undefined ? '' : ` (${prefix}${message})`}`];
  }
  const { items = [], hint } = finding;
  const more = items.length > mostItems ? [`- and ${items.length - mostItems} more`] : [];
  const lines = [message, ...items.slice(0, mostItems).map((item) => `- ${item}`), ...more];
  return [`${mark} ${description}`, ...[...lines, `hint: ${hint}`, `see ${docsOf(id)}`].map((line) => `    ${line}`)];
}

function toJson(results: readonly GroupResult[]): object {
  const worst = judge(results);
  return {
    success: worst !== 'failed',
    status: worst,
    groups: results.map(({ name, checks }) => ({
      name,
      checks: checks.map(({ id, description, finding }) => ({
        id,
        description,
        ...finding,
        ...(finding.status !== 'ok' && finding.status !== 'unknown' && { docs: docsOf(id) }),
      })),
    })),
  };
}
