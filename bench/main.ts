// npm run bench -- NAME [--json] [OPTION...]
import { type Benchmark, findMissed, formatTable, type Result } from './benchmark.ts';

interface Entry {
  readonly title: string;
  load(): Promise<Benchmark>;
}

const benchmarks: Readonly<Record<string, Entry>> = {
  path: {
    title: 'what governing a call costs: throughput, added latency, memory, cold start',
    load: async () => (await import('./path.ts')).path,
  },
  ladder: {
    title: 'what each necessary part of governing a call adds to a bare passthrough',
    load: async () => (await import('./ladder.ts')).ladder,
  },
  streams: {
    title: 'what governing a stream costs: processor time and delay of a delta, memory',
    load: async () => (await import('./streams.ts')).streams,
  },
  limits: {
    title: 'whether a limit over 16 proxies is exact, how much of it is left unused, and how often a call waits',
    load: async () => (await import('./limits.ts')).limits,
  },
  memory: {
    title: 'the memory of a proxy before and after many calls, and how long its start takes',
    load: async () => (await import('./memory.ts')).memory,
  },
  compare: {
    title: 'the same calls through other gateways',
    load: async () => (await import('./compare.ts')).compare,
  },
  analytics: {
    title: 'the cost of analytics for an organization with millions of calls, and how fast usage gets into PostgreSQL',
    load: async () => (await import('./analytics.ts')).analytics,
  },
  analyses: {
    title: 'what finding the conversation of a call costs, and how many conversations are linked',
    load: async () => (await import('./analyses.ts')).analyses,
  },
  retrieval: {
    title: 'how well and how fast the knowledge base finds articles',
    load: async () => (await import('./retrieval.ts')).retrieval,
  },
  support: {
    title:
      'how far the confidence of the support desk can be believed, and how fast its figures are read; with --load, many conversations at once',
    load: async () => (await import('./support.ts')).support,
  },
  summary: {
    title: 'how fast the summary of a million texts is read, and whether it equals what was answered of each',
    load: async () => (await import('./summary.ts')).summary,
  },
  hostile: {
    title: 'the memory of a proxy during and after thousands of hostile requests',
    load: async () => (await import('./hostile.ts')).hostile,
  },
  guardrails: {
    title: 'how long detectors of guardrails take, and their precision and recall on a labelled corpus',
    load: async () => (await import('./guardrails.ts')).guardrails,
  },
  console: {
    title: 'how soon the console is there for a slow processor, and what it costs proxies that show it or never do',
    load: async () => (await import('./console.ts')).console,
  },
  soak: {
    title: 'whether a steady load with faults mixed in loses calls, memory, descriptors or space',
    load: async () => (await import('./soak.ts')).soak,
  },
  scale: {
    title: 'what grows with an installation: 500 proxies, 10,000 objects, 1,000 organizations, 50 million rows',
    load: async () => (await import('./scale.ts')).scale,
  },
  cluster: {
    title: 'the cost of many objects, and how long a change takes to reach a pod',
    load: async () => (await import('./cluster.ts')).cluster,
  },
};

const [name = '', ...options] = process.argv.slice(2);
const asJson = options.includes('--json');
const releasers: (() => Promise<unknown>)[] = [];
let interrupted = false;
// The same signal may come several times: to the process group, and passed on by npm and by scripts/run.mjs.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    void release().then(() => process.exit(1));
  });
}

const entry = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
if (entry) await run(entry);
else {
  const known = formatTable(Object.entries(benchmarks).map(([each, { title }]) => [`  ${each}`, ` ${title}`]));
  process.stderr.write(`usage: npm run bench -- NAME [--json]\n\n${known}\n`);
  process.exitCode = 1;
}

async function run({ load }: Entry): Promise<void> {
  try {
    const benchmark = await load();
    const result = await benchmark.run({
      args: options.filter((option) => option !== '--json'),
      note: (sentence) => void process.stderr.write(`${sentence}\n`),
      onEnd: (releaser) => void releasers.push(releaser),
    });
    print(result);
  } catch (error) {
    // After an interruption, errors of stopped parts are expected.
    if (interrupted) return;
    process.stderr.write(`bench ${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  } finally {
    await release();
  }
}

async function release(): Promise<void> {
  for (const releaser of releasers.splice(0).reverse()) {
    try {
      await releaser();
    } catch (error) {
      // The other clean-ups must still run.
      process.stderr.write(`bench ${name}: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
  }
}

function print({ figures, reach, summary }: Result): void {
  const missed = findMissed(figures, reach);
  const rows = Object.entries(figures).map(([figure, value]) => [figure, String(value), judge(figure)]);
  process.stdout.write(`\n${summary}\n\n${formatTable(rows)}\n`);
  if (asJson) process.stdout.write(`${JSON.stringify({ name, figures, reach, missed })}\n`);

  function judge(figure: string): string {
    const wanted = reach[figure];
    if (!wanted) return '';
    const bounds = [
      ...(wanted.min === undefined ? [] : [`>= ${wanted.min}`]),
      ...(wanted.max === undefined ? [] : [`<= ${wanted.max}`]),
    ];
    return `${bounds.join(', ')}  ${missed.includes(figure) ? 'missed' : 'reached'}`;
  }
}
