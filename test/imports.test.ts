import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const partsOfOperator = [
  'operator/cluster/cluster.ts',
  'operator/cluster/object-key.ts',
  'operator/cluster',
  'operator/runtime',
];

/**
 * Which parts of the tree each part may import, besides itself. A file belongs to the part with the longest matching
 * name. A new part needs a line here.
 */
const parts: Readonly<Record<string, readonly string[]>> = {
  clients: [],
  widget: ['clients', 'widget/markdown', 'widget/view/markdown.ts'],
  'widget/markdown': [],
  'widget/view/markdown.ts': ['widget/markdown'],
  console: ['widget/view/markdown.ts'],
  crds: [],
  dashboards: [],
  database: [],
  knowledge: ['crds', 'database'],
  traces: [],
  'proxy/error.ts': [],
  'proxy/in-flight.ts': ['proxy/error.ts'],
  'proxy/queue.ts': [],
  'proxy/running-time.ts': [],
  'proxy/store.ts': ['database', 'proxy/error.ts', 'proxy/queue.ts'],
  'proxy/quota': ['crds', 'database', 'proxy/running-time.ts'],
  'proxy/snapshot': ['crds', 'database', 'proxy/error.ts'],
  'proxy/spool': ['database', 'proxy/store.ts'],
  'proxy/providers': ['crds', 'proxy/error.ts', 'proxy/in-flight.ts', 'proxy/snapshot'],
  'proxy/prices': ['crds', 'proxy/providers'],
  'proxy/egress/addresses.ts': [],
  'proxy/guardrails/detect': [],
  'proxy/guardrails/reviewed.ts': ['proxy/providers'],
  'proxy/operations': ['proxy/error.ts', 'proxy/snapshot', 'proxy/providers'],
  'proxy/guardrails/rule-detector.ts': ['crds', 'proxy/guardrails/detect'],
  'proxy/guardrails': [
    'crds',
    'database',
    'proxy/egress/addresses.ts',
    'proxy/error.ts',
    'proxy/in-flight.ts',
    'proxy/snapshot',
    'proxy/providers',
    'proxy/guardrails/detect',
    'proxy/guardrails/reviewed.ts',
    'proxy/guardrails/rule-detector.ts',
  ],
  'proxy/conversations': ['database', 'proxy/providers'],
  'proxy/cache': ['crds', 'database', 'proxy/error.ts', 'proxy/running-time.ts', 'proxy/snapshot', 'proxy/providers'],
  'proxy/calls': [
    'crds',
    'database',
    'traces',
    'proxy/error.ts',
    'proxy/in-flight.ts',
    'proxy/snapshot',
    'proxy/spool',
    'proxy/store.ts',
    'proxy/quota',
    'proxy/providers',
    'proxy/prices',
    'proxy/operations',
    'proxy/guardrails',
    'proxy/guardrails/reviewed.ts',
    'proxy/cache',
    'proxy/conversations',
  ],
  'proxy/governance': [
    'crds',
    'database',
    'knowledge',
    'proxy/error.ts',
    'proxy/store.ts',
    'proxy/snapshot',
    'proxy/quota',
    'proxy/spool',
    'proxy/providers',
    'proxy/prices',
    'proxy/operations',
    'proxy/calls',
    'proxy/conversations',
    'proxy/guardrails/detect',
    'proxy/guardrails/reviewed.ts',
  ],
  'proxy/logs': ['database', 'proxy/calls'],
  'proxy/audit': ['database', 'proxy/error.ts', 'proxy/spool', 'proxy/calls'],
  'proxy/http': [
    'crds',
    'database',
    'traces',
    'proxy/logs',
    'proxy/audit',
    'proxy/egress/addresses.ts',
    'proxy/error.ts',
    'proxy/in-flight.ts',
    'proxy/store.ts',
    'proxy/snapshot',
    'proxy/quota',
    'proxy/operations',
    'proxy/calls',
  ],
  'proxy/surfaces': [
    'crds',
    'knowledge',
    'proxy/sockets',
    'proxy/audit',
    'proxy/error.ts',
    'proxy/guardrails',
    'proxy/guardrails/reviewed.ts',
    'proxy/in-flight.ts',
    'proxy/snapshot',
    'proxy/providers',
    'proxy/prices',
    'proxy/operations',
    'proxy/calls',
    'proxy/governance',
    'proxy/http',
  ],
  'proxy/sockets': [
    'proxy/conversations',
    'crds',
    'database',
    'proxy/error.ts',
    'proxy/in-flight.ts',
    'proxy/snapshot',
    'proxy/providers',
    'proxy/operations',
    'proxy/guardrails',
    'proxy/calls',
    'proxy/governance',
    'proxy/http',
  ],
  proxy: [
    'crds',
    'database',
    'traces',
    'proxy/error.ts',
    'proxy/in-flight.ts',
    'proxy/store.ts',
    'proxy/snapshot',
    'proxy/spool',
    'proxy/quota',
    'proxy/providers',
    'proxy/prices',
    'proxy/operations',
    'proxy/calls',
    'proxy/governance',
    'proxy/audit',
    'proxy/logs',
    'proxy/http',
    'proxy/surfaces',
    'proxy/sockets',
    'proxy/guardrails',
    'proxy/guardrails/reviewed.ts',
    'proxy/cache',
    'proxy/conversations',
  ],
  'operator/cluster/cluster.ts': ['crds'],
  'operator/cluster/object-key.ts': ['operator/cluster/cluster.ts'],
  'operator/runtime': ['crds', 'database', 'operator/cluster/cluster.ts', 'operator/cluster/object-key.ts'],
  'operator/cluster': [
    'crds',
    'knowledge',
    'operator/cluster/cluster.ts',
    'operator/cluster/object-key.ts',
    'operator/runtime',
  ],
  operator: ['crds', 'database', 'knowledge', 'traces', ...partsOfOperator],
  worker: [
    'crds',
    'database',
    'knowledge',
    'traces',
    'proxy',
    'proxy/egress/addresses.ts',
    'proxy/error.ts',
    'proxy/in-flight.ts',
    'proxy/store.ts',
    'proxy/snapshot',
    'proxy/spool',
    'proxy/providers',
    'proxy/operations',
    'proxy/calls',
    'proxy/governance',
    'proxy/logs',
  ],
  sandbox: [],
  trainer: [],
  'cli/sandbox.ts': ['sandbox'],
  cli: [
    'crds',
    'database',
    'proxy/governance',
    'traces',
    'operator',
    ...partsOfOperator,
    'proxy',
    'proxy/calls',
    'proxy/logs',
    'proxy/snapshot',
    'worker',
    'trainer',
  ],
  scripts: ['crds', 'dashboards', 'database', 'operator', ...partsOfOperator, 'cli', 'proxy/surfaces'],
  'test/free-port.ts': [],
  'test/cluster/api-server.ts': ['test/free-port.ts'],
  'test/pgbouncer.ts': ['test/free-port.ts'],
  'test/proxy/guardrails/detect/splits.ts': ['proxy/guardrails/detect'],
  'test/proxy/guardrails/detect/corpus': ['proxy/guardrails/detect', 'test/proxy/guardrails/detect/splits.ts'],
  bench: [
    'crds',
    'database',
    'proxy',
    'proxy/store.ts',
    'proxy/spool',
    'proxy/providers',
    'proxy/prices',
    'proxy/calls',
    'proxy/governance',
    'proxy/surfaces',
    'proxy/conversations',
    'proxy/guardrails/detect',
    'proxy/guardrails/reviewed.ts',
    'operator',
    ...partsOfOperator,
    'sandbox',
    'cli',
    'scripts',
    'test/cluster/api-server.ts',
    'test/pgbouncer.ts',
    'test/proxy/guardrails/detect/corpus',
  ],
  test: [
    'clients',
    'widget',
    'widget/markdown',
    'console',
    'traces',
    'proxy/egress/addresses.ts',
    'proxy/quota',
    'proxy/sockets',
    'crds',
    'dashboards',
    'database',
    'knowledge',
    'operator',
    ...partsOfOperator,
    'proxy',
    'proxy/error.ts',
    'proxy/in-flight.ts',
    'proxy/queue.ts',
    'proxy/store.ts',
    'proxy/snapshot',
    'proxy/spool',
    'proxy/providers',
    'proxy/prices',
    'proxy/operations',
    'proxy/calls',
    'proxy/governance',
    'proxy/audit',
    'proxy/logs',
    'proxy/http',
    'proxy/surfaces',
    'proxy/guardrails',
    'proxy/cache',
    'proxy/conversations',
    'proxy/guardrails/detect',
    'proxy/guardrails/reviewed.ts',
    'trainer',
    'worker',
    'sandbox',
    'cli',
    'scripts',
    'bench',
    'test/free-port.ts',
    'test/proxy/guardrails/detect/splits.ts',
    'test/proxy/guardrails/detect/corpus',
    'test/cluster/api-server.ts',
    'test/pgbouncer.ts',
  ],
};

/** Dynamic imports that are allowed: from, to. */
const dynamic: readonly (readonly [string, string])[] = [
  ['cli', 'sandbox'],
  ['cli', 'cli/sandbox.ts'],
  ['operator', 'proxy/guardrails/rule-detector.ts'],
  ['operator', 'proxy/prices'],
];

/** Processes, not modules. */
const entryPoints = ['cli/main.ts', 'sandbox/main.ts', 'bench/main.ts', 'scripts/test.ts', 'scripts/check.ts'];

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isDynamic: boolean;
}

/** Contents of files by path, relative to the repository. */
type Sources = ReadonlyMap<string, string>;

function readSources(): Sources {
  const root = dirname(import.meta.dirname);
  const files = globSync('**/*.ts', { cwd: root, exclude: ['node_modules', '**/dist', '.*'] });
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

function listImports(sources: Sources): Import[] {
  return [...sources].flatMap(([from, text]) => {
    const found = [
      ...text.matchAll(/^(?:import|export)\b[^'";]*?\bfrom\s+'(?<path>\.[^']+)'/gm),
      ...text.matchAll(/^import\s+'(?<path>\.[^']+)'/gm),
      ...text.matchAll(/\bimport\(\s*'(?<path>\.[^']+)'/g),
    ];
    return found.map(({ 0: statement, groups }) => ({
      from,
      to: normalize(join(dirname(from), groups?.path ?? '')),
      isDynamic: statement.startsWith('import('),
    }));
  });
}

function partOf(file: string): string | undefined {
  const names = Object.keys(parts).filter((name) => file === name || file.startsWith(`${name}/`));
  return names.sort((a, b) => b.length - a.length)[0];
}

function findViolations(sources: Sources): string[] {
  const imports = listImports(sources);
  const homeless = [...sources.keys()].filter((file) => partOf(file) === undefined);
  return [
    ...homeless.map((file) => `${file} belongs to no part of the tree: give it one in test/imports.test.ts`),
    ...imports.flatMap(findViolation),
    ...findCircles(imports),
  ];
}

function findViolation({ from, to, isDynamic }: Import): string[] {
  const [fromPart = '', toPart = ''] = [partOf(from), partOf(to)];
  if (entryPoints.includes(to)) return [`${from} imports the entry point ${to}`];
  if (fromPart === toPart || parts[fromPart]?.includes(toPart)) return [];
  if (isDynamic && dynamic.some(([a, b]) => a === fromPart && b === toPart)) return [];
  return [`${from} imports ${to}: ${fromPart} may not import ${toPart}`];
}

/** Finds import cycles of any length, each once. */
function findCircles(imports: readonly Import[]): string[] {
  const targets = Map.groupBy(imports, ({ from }) => from);
  const finished = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start !== -1) circles.push(`${[...path.slice(start), file].join(' imports ')}`);
    if (start !== -1 || finished.has(file)) return;
    for (const { to } of targets.get(file) ?? []) visit(to, [...path, file]);
    finished.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return circles;
}

test('imports point one way', () => {
  assert.deepEqual(findViolations(readSources()), []);
});

test('the imports of the whole tree are read', () => {
  const sources = readSources();
  const imports = listImports(sources);
  assert.ok(sources.size > 150 && imports.length > 500, `${imports.length} imports in ${sources.size} files`);
  const uses = imports.filter(({ from, to }) => partOf(from) === 'cli' && to.includes('sandbox'));
  assert.ok(uses.length > 0 && uses.every(({ isDynamic }) => isDynamic));
});

test('the table of allowed imports has no cycle', () => {
  const allowed = Object.entries(parts).flatMap(([from, targets]) =>
    targets.map((to) => ({ from, to, isDynamic: false })),
  );
  assert.deepEqual(findCircles(allowed), []);
});

const mistakes: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
  [
    { 'proxy/spool/a.ts': "import { b } from '../calls/b.ts';", 'proxy/calls/b.ts': '' },
    'proxy/spool/a.ts imports proxy/calls/b.ts: proxy/spool may not import proxy/calls',
  ],
  [
    { 'proxy/surfaces/a.ts': "import { b } from '../../database/b.ts';", 'database/b.ts': '' },
    'proxy/surfaces/a.ts imports database/b.ts: proxy/surfaces may not import database',
  ],
  [
    { 'proxy/governance/a.ts': "import { b } from '../http/b.ts';", 'proxy/http/b.ts': '' },
    'proxy/governance/a.ts imports proxy/http/b.ts: proxy/governance may not import proxy/http',
  ],
  [
    { 'proxy/calls/a.ts': "import { b } from '../governance/b.ts';", 'proxy/governance/b.ts': '' },
    'proxy/calls/a.ts imports proxy/governance/b.ts: proxy/calls may not import proxy/governance',
  ],
  [
    { 'operator/a.ts': "import {\n  type b,\n  c,\n} from '../proxy/b.ts';", 'proxy/b.ts': '' },
    'operator/a.ts imports proxy/b.ts: operator may not import proxy',
  ],
  [
    {
      'operator/runtime/a.ts': "import { b } from '../cluster/kubernetes/b.ts';",
      'operator/cluster/kubernetes/b.ts': '',
    },
    'operator/runtime/a.ts imports operator/cluster/kubernetes/b.ts: operator/runtime may not import operator/cluster',
  ],
  [
    { 'proxy/calls/a.ts': "export type { B } from '../../operator/b.ts';", 'operator/b.ts': '' },
    'proxy/calls/a.ts imports operator/b.ts: proxy/calls may not import operator',
  ],
  [
    { 'database/a.ts': "import '../crds/b.ts';", 'crds/b.ts': '' },
    'database/a.ts imports crds/b.ts: database may not import crds',
  ],
  [
    { 'cli/a.ts': "import { b } from '../sandbox/b.ts';", 'sandbox/b.ts': '' },
    'cli/a.ts imports sandbox/b.ts: cli may not import sandbox',
  ],
  [
    { 'proxy/a.ts': "const b = await import('../sandbox/b.ts');", 'sandbox/b.ts': '' },
    'proxy/a.ts imports sandbox/b.ts: proxy may not import sandbox',
  ],
  [{ 'test/a.ts': "import '../cli/main.ts';", 'cli/main.ts': '' }, 'test/a.ts imports the entry point cli/main.ts'],
  [
    {
      'crds/a.ts': "import { b } from './b.ts';",
      'crds/b.ts': "import { c } from './c.ts';",
      'crds/c.ts': "import type { a } from './a.ts';",
    },
    'crds/a.ts imports crds/b.ts imports crds/c.ts imports crds/a.ts',
  ],
  [{ 'lib/a.ts': '' }, 'lib/a.ts belongs to no part of the tree: give it one in test/imports.test.ts'],
];
for (const [files, violation] of mistakes) {
  test(`would show: ${violation}`, () => {
    assert.deepEqual(findViolations(new Map(Object.entries(files))), [violation]);
  });
}

test('cli may import the sandbox when it needs one', () => {
  const files = { 'cli/up.ts': "const { start } = await import('../sandbox/server.ts');", 'sandbox/server.ts': '' };
  assert.deepEqual(findViolations(new Map(Object.entries(files))), []);
});

// If two files in one process import a module that awaits, the second would add its tests to the suite of the first.
test('no imported module awaits anything while it is loaded', () => {
  const isAlone = (file: string) => /\.test\.ts$|^(scripts|bench)\//.test(file) || entryPoints.includes(file);
  const awaiting = [...readSources()].filter(([file, text]) => !isAlone(file) && awaitsAtTop(text));
  assert.deepEqual(
    awaiting.map(([file]) => file),
    [],
  );
  assert.ok(awaitsAtTop('export const fetchKeySet = makeFetchKeySet(await makeUpstream(undefined));'));
  assert.ok(!awaitsAtTop('const ask = async () => {\n  await answer();\n};\nconst one = async () => await answer();'));
});

/** In formatted code, top-level statements are not indented. */
function awaitsAtTop(text: string): boolean {
  return /^(?!.*=>)(?!async |export async )(?:\S.*)?\bawait /m.test(text);
}
