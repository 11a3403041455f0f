import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Benchmark, BenchmarkContext, Figures, Result } from './benchmark.ts';
import type { Part } from './scale/part.ts';

/** What can be measured alone. The option of a part states how many of what it is about. */
const parts: Readonly<Record<string, { readonly count: string; load(): Promise<Part> }>> = {
  proxies: { count: '500', load: async () => (await import('./scale/proxies.ts')).measureProxies },
  objects: { count: '10000', load: async () => (await import('./scale/objects.ts')).measureObjects },
  organizations: { count: '1000', load: async () => (await import('./scale/organizations.ts')).measureOrganizations },
  rows: { count: '50000000', load: async () => (await import('./scale/rows.ts')).measureRows },
};

/** Measures what grows with an installation: proxies, objects, organizations and rows. */
export const scale: Benchmark = {
  async run(context) {
    const { asked, kept } = readOptions(context.args);
    const results: Result[] = [];
    for (const [name, count] of asked) {
      const part = await parts[name]?.load();
      if (!part) continue;
      context.note(`${name}: ${count.toLocaleString('en')}`);
      results.push(await runAlone(part, count, kept, context));
    }
    return {
      figures: Object.assign({}, ...results.map(({ figures }) => figures)) satisfies Figures,
      reach: Object.assign({}, ...results.map(({ reach }) => reach)),
      summary: results.map(({ summary }) => summary).join('\n\n'),
    };
  },
};

/** Where results stay. */
interface Kept {
  readonly directory: string | undefined;
  readonly profile: string | undefined;
}

/** What a part has started is stopped before the next part begins. */
async function runAlone(part: Part, count: number, kept: Kept, context: BenchmarkContext) {
  const releasers: (() => Promise<unknown>)[] = [];
  const release = async () => {
    for (const releaser of releasers.splice(0).reverse()) await releaser();
  };
  context.onEnd(release);
  const directory = kept.directory ?? (await mkdtemp(join(tmpdir(), 'chaperone-bench-')));
  if (kept.directory === undefined)
    releasers.push(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const result = await part({
    ...{ count, directory, isKept: kept.directory !== undefined, profileDirectory: kept.profile, note: context.note },
    args: context.args,
    onEnd: (releaser) => void releasers.push(releaser),
  });
  await release();
  return result;
}

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      proxies: { type: 'string' },
      objects: { type: 'string' },
      organizations: { type: 'string' },
      rows: { type: 'string' },
      directory: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const { directory, profile, ...counts } = values;
  const stated = new Map(Object.entries(counts));
  const named = Object.entries(parts).filter(([name]) => stated.has(name));
  const asked = (named.length > 0 ? named : Object.entries(parts)).map(([name, { count }]) => {
    const number = Number(stated.get(name) ?? count);
    if (!(Number.isInteger(number) && number > 0)) throw new Error(`--${name} takes a number`);
    return [name, number] as const;
  });
  if (directory !== undefined && asked.length !== 1) throw new Error('--directory is for one part at a time');
  return { asked, kept: { directory, profile } };
}
