import { readFileSync } from 'node:fs';
import { otherParts, type ProcessorTime, type TimedPart } from './timed-part.ts';

const shownFiles = 40;

/** Tells where the processor time of a run went. @param file what the run's processes have written, see `test/times.ts` */
export function describeTimes(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const parts = Map.groupBy(
    lines.map((line): TimedPart => JSON.parse(line)),
    ({ part }) => part,
  );
  const times = new Map([...parts].map(([part, counted]) => [part, addUp(counted)]));
  const take = (part: string): ProcessorTime => {
    const time = times.get(part) ?? { own: 0, children: 0 };
    times.delete(part);
    return time;
  };
  const runner = take(otherParts.runner);
  const postgres = total(take(otherParts.postgres));
  const loading = take(otherParts.batches);
  const tests = addUp([...times.values(), loading]);
  const rows: [string, number][] = [
    ['all', total(runner)],
    ['  the tests', tests.own - loading.own],
    ['  loading modules in batches', loading.own],
    ['  processes that they start', tests.children],
    ['  PostgreSQL', postgres],
    ['  the runner', runner.own],
    ['  other processes of the set-up', runner.children - total(tests) - postgres],
  ];
  const largest = [...times].sort(([, one], [, other]) => total(other) - total(one)).slice(0, shownFiles);
  return [
    'Processor time in seconds:',
    ...rows.map(([what, ms]) => `${seconds(ms)}  ${what}`),
    `Of the ${largest.length} largest files: own, and of the processes that they start:`,
    ...largest.map(([part, { own, children }]) => `${seconds(own)} ${seconds(children)}  ${part}`),
    '',
  ].join('\n');
}

function addUp(times: readonly ProcessorTime[]): ProcessorTime {
  return {
    own: times.reduce((sum, { own }) => sum + own, 0),
    children: times.reduce((sum, { children }) => sum + children, 0),
  };
}

function total({ own, children }: ProcessorTime): number {
  return own + children;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1).padStart(8);
}
