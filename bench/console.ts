import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { build } from '../scripts/build.ts';
import { chromiumArguments, findChromium } from '../scripts/chromium.ts';
import { type Benchmark, type BenchmarkContext, formatTable, median, type Reach, round } from './benchmark.ts';
import { nextMessage, startNode, stopChild } from './child.ts';
import { makeRequestBody } from './path/exchange.ts';
import { type Installation, startInstallation, startProxyWith } from './path/governed.ts';
import { startUpstream } from './path/upstream.ts';

const reach: Reach = {
  first_paint_ms: { max: 1_000 },
  transferred_kb: { max: 150 },
  never_shown_added_kb: { max: 100 },
};

/** What a proxy does before its heap is read. */
const ways = ['without', 'never-shown', 'shown'] as const;
type Way = (typeof ways)[number];

/** Measures how soon the console is there for a slow processor, and what it costs proxies that show it or never do. */
export const console: Benchmark = {
  async run(context) {
    const { rounds, slowdown } = readOptions(context.args);
    const { note, onEnd } = context;
    const program = findChromium(process.env.CHROMIUM);
    if (program === undefined) throw new Error('There is no Chromium: apt-get install chromium-headless-shell');
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    note('Building, and starting everything ...');
    await build();
    const upstream = await startUpstream(directory, context);
    const upstreamUrl = `http://127.0.0.1:${upstream.port}/v1`;
    const installation = await startInstallation(directory, upstreamUrl, context);
    const proxy = await startProxyWith([], join(directory, 'shown'), installation, context);
    const browser = await chromium.launch({ executablePath: program, args: chromiumArguments() });
    onEnd(() => browser.close());
    const visits: Visit[] = [];
    for (let number = 0; number < rounds; number += 1) {
      visits.push(await open(browser, proxy.port, installation.token, slowdown));
    }
    note('Reading the heaps of proxies ...');
    const heaps: Record<Way, number[]> = { without: [], 'never-shown': [], shown: [] };
    for (let number = 0; number < rounds; number += 1) {
      for (const way of ways) {
        const home = join(directory, `${way}-${number}`);
        heaps[way].push(await measureHeap(way, home, { installation, upstreamUrl }, context));
      }
    }
    const heapKb = (way: Way) => round(median(heaps[way]) / 1_000);
    const figures = {
      first_paint_ms: round(median(visits.map(({ firstPaintMs }) => firstPaintMs))),
      overview_ms: round(median(visits.map(({ overviewMs }) => overviewMs))),
      transferred_kb: round((visits[0]?.bytes ?? 0) / 1_000),
      without_heap_kb: heapKb('without'),
      never_shown_added_kb: round(heapKb('never-shown') - heapKb('without')),
      shown_added_kb: round(heapKb('shown') - heapKb('without')),
    };
    return {
      figures,
      reach,
      summary: `The console in Chromium, with a processor ${slowdown} times as slow. Medians of ${rounds}.\n\n${tabulate(visits, heaps)}`,
    };
  },
};

function readOptions(args: readonly string[]): { rounds: number; slowdown: number } {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: 'string', default: '5' }, slowdown: { type: 'string', default: '6' } },
  });
  const [rounds, slowdown] = [Number(values.rounds), Number(values.slowdown)];
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error('--rounds takes a number of rounds');
  if (!(slowdown >= 1)) throw new Error('--slowdown takes a factor, such as 6');
  return { rounds, slowdown };
}

interface Visit {
  readonly firstPaintMs: number;
  /** Until all of the overview is there. */
  readonly overviewMs: number;
  /** Script and style sheet, as they were sent. */
  readonly bytes: number;
}

/** Somebody who has signed in opens the console anew, with an empty cache. */
async function open(browser: Browser, port: number, token: string, slowdown: number): Promise<Visit> {
  const context = await browser.newContext();
  try {
    const session = JSON.stringify({ token, user: 'bench@example.com' });
    await context.addInitScript(`sessionStorage.setItem('chaperone-console', ${JSON.stringify(session)})`);
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: slowdown });
    await page.goto(`http://127.0.0.1:${port}/console`);
    await page.locator('.page .tiles').waitFor();
    const [firstPaintMs = 0, overviewMs = 0, bytes = 0] = await page.evaluate<number[]>(`[
      performance.getEntriesByName('first-contentful-paint')[0].startTime,
      performance.now(),
      performance.getEntriesByType('resource').filter(({ name }) => /console\\.(js|css)$/.test(name))
        .reduce((all, { encodedBodySize }) => all + encodedBodySize, 0),
    ]`);
    return { firstPaintMs, overviewMs, bytes };
  } finally {
    await context.close();
  }
}

interface Place {
  readonly installation: Installation;
  readonly upstreamUrl: string;
}

/** Starts a proxy, makes a call, perhaps shows the console, and reads what its heap has after its garbage is collected. */
async function measureHeap(
  way: Way,
  directory: string,
  { installation: { credentials, token, personaId }, upstreamUrl }: Place,
  { onEnd }: BenchmarkContext,
): Promise<number> {
  const file = join(import.meta.dirname, 'console', 'proxy.ts');
  const child = startNode(file, [credentials, directory, upstreamUrl, way], ['--expose-gc']);
  onEnd(() => stopChild(child));
  const { port } = await nextMessage<{ port: number }>(child);
  const address = `http://127.0.0.1:${port}`;
  const headers = { authorization: `Bearer ${token}`, 'x-user-id': 'bench@example.com' };
  const body = makeRequestBody('whole', personaId);
  await read(`${address}/v1/responses`, { method: 'POST', headers: { ...headers, accept: 'application/json' }, body });
  if (way === 'shown') for (const path of ['', '/console.js', '/console.css']) await read(`${address}/console${path}`);
  const bytes = await readHeap(child);
  await stopChild(child);
  return bytes;
}

async function read(address: string, init: RequestInit = {}): Promise<void> {
  const answer = await fetch(address, init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${address} answers ${answer.status}: ${text.slice(0, 200)}`);
}

async function readHeap(child: ChildProcess): Promise<number> {
  child.send({ type: 'heap' });
  const { heapUsedBytes } = await nextMessage<{ heapUsedBytes: number }>(child);
  return heapUsedBytes;
}

function tabulate(visits: readonly Visit[], heaps: Readonly<Record<Way, readonly number[]>>): string {
  const kb = (bytes: number | undefined) => ((bytes ?? 0) / 1_000).toFixed(0);
  const rows = visits.map(({ firstPaintMs, overviewMs }, index) => [
    String(index + 1),
    ...[firstPaintMs, overviewMs].map((ms) => ms.toFixed(0)),
    ...ways.map((way) => kb(heaps[way][index])),
  ]);
  return formatTable([['', 'first paint ms', 'overview ms', ...ways.map((way) => `heap KB ${way}`)], ...rows]);
}
