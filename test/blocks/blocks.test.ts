import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { transform } from 'esbuild';
import { Client } from 'pg';
import { makeTestDatabase } from '../database.ts';
import { repository } from '../directories.ts';
import { type Block, readBlocks } from '../documents.ts';
import { atEnd } from '../scope.ts';
import { findUnknownCommands } from './commands.ts';
import { findYamlProblem } from './yaml.ts';

/** How blocks are tried, by their language; a document's programs are run where `programs` says. */
const ways: Readonly<Record<string, string>> = {
  yaml: 'is a resource of ours, a part of one, or values of the chart',
  json: 'is JSON',
  sh: 'is what a shell can read, with commands and options that there are',
  console: 'likewise',
  js: 'can be read; run by a test',
  javascript: 'likewise',
  ts: 'likewise',
  typescript: 'likewise',
  python: 'run by a test',
  sql: 'is a query that PostgreSQL can plan; other statements are for a superuser',
  mermaid: 'drawn by test/scripts/docs/site.test.ts',
  text: 'is only to be read',
  '': 'is only to be read',
};

/** Languages of few blocks, and what shows that these are right. */
const others: Readonly<Record<string, string>> = {
  'clients/java/README.md xml': 'how Maven names the package',
  'clients/java/README.md java': 'test/clients/insights runs a story with this client in Java',
  'docs/clients.md toml': 'test/clients/recipes.test.ts: Codex reads it',
  'docs/kubernetes.md dockerfile': 'adds a file to the image; test/database/tls.test.ts has such an authority',
  'docs/kubernetes.md ini': 'the settings of a PgBouncer; test/pgbouncer.ts has a real one',
  'docs/support.md markdown': 'an article; test/knowledge/front-matter.test.ts has such files',
  'docs/support.md html': 'a page with the chat; test/widget has such pages',
  'test/widget/snippets.md html': 'test/widget/walks/pages.ts loads it',
  'docs/webhooks.md http': 'what a receiver gets, with signatures of a sample',
};

/** Which test runs the programs of a document, or does the same. */
const programs: Readonly<Record<string, string>> = {
  'README.md': 'test/readme.test.ts',
  'clients/javascript/README.md': 'test/clients/support/javascript.test.ts',
  'clients/python/README.md': 'test/clients/support/python.test.ts',
  'docs/audit.md': 'test/database/audit/third-party.test.ts',
  'docs/clients.md': 'test/clients/recipes.test.ts',
  'docs/guardrails.md': 'test/proxy/guardrails/held.test.ts',
  'docs/insights.md': 'test/clients/insights/insights.test.ts',
  'docs/migrate/litellm.md': 'test/up/migrate.test.ts',
  'docs/migrate/openai.md': 'test/up/migrate.test.ts',
  'docs/migrate/portkey.md': 'test/up/migrate.test.ts',
  'docs/realtime.md': 'test/proxy/sockets',
  'docs/support.md': 'test/clients/support/product.ts',
  'test/clients/support/snippets.md': 'test/clients/support/product.ts',
  'test/widget/snippets.md': 'test/widget/walks/pages.ts',
  'worker/README.md': 'test/worker/tasks',
};

/** Blocks that are not ours, by document and first line, and why. */
const foreign: Readonly<Record<string, string>> = {
  'docs/clients.md: - model_id': 'a setting of llm',
  'docs/kubernetes.md: spec:\n  containers': 'a pod',
  'docs/kubernetes.md: scrape_configs': 'a setting of Prometheus',
  'docs/training.md: trainers:': 'a part of spec.training without what that requires; test/crds has fixtures of it',
  'docs/migrate/litellm.md: # config.yaml of LiteLLM': 'the configuration of LiteLLM',
};

const documents = globSync('**/*.md', {
  cwd: repository,
  exclude: ['**/node_modules', 'dist', 'site', '**/.*'],
}).sort();
const blocks = documents.flatMap(readBlocks);
const of = (...languages: readonly string[]) => blocks.filter(({ language }) => languages.includes(language));
const isForeign = ({ document, text }: Block) =>
  Object.keys(foreign).some((name) => `${document}: ${text.trim()}`.startsWith(name));
const at = ({ document, line }: Block) => `${document}:${line}`;

describe('every block of every document', () => {
  it('has a way in which it is tried, or says why not', () => {
    assert.ok(blocks.length > 300, `${blocks.length} blocks`);
    const unknown = blocks.filter(
      ({ document, language }) => !(language in ways) && !(`${document} ${language}` in others),
    );
    assert.deepEqual(
      unknown.map((block) => `${at(block)}: ${block.language}`),
      [],
    );
    const unused = Object.keys(others).filter(
      (name) => !blocks.some(({ document, language }) => `${document} ${language}` === name),
    );
    assert.deepEqual(unused, []);
  });

  it('of programs is run by a test that there is', () => {
    const written = new Set(of('js', 'javascript', 'ts', 'typescript', 'python').map(({ document }) => document));
    assert.deepEqual([...written].toSorted(), Object.keys(programs).toSorted());
    for (const file of Object.values(programs)) assert.equal(globSync(file, { cwd: repository }).length, 1, file);
  });

  it('of YAML is valid', () => {
    const wrong = of('yaml').flatMap((block) => {
      const problem = isForeign(block) ? undefined : findYamlProblem(block.text);
      return problem === undefined ? [] : [`${at(block)}: ${problem}`];
    });
    assert.deepEqual(wrong, []);
    const unused = Object.keys(foreign).filter(
      (name) => !of('yaml').some((one) => `${one.document}: ${one.text.trim()}`.startsWith(name)),
    );
    assert.deepEqual(unused, []);
  });

  it('of JSON is JSON, perhaps line by line, but for what is left out', () => {
    const wrong = of('json').filter(
      ({ text }) => !isJson(text) && !text.split('\n').every(isJson) && !/…|\.\.\./.test(text),
    );
    assert.deepEqual(wrong.map(at), []);
  });

  it('of a shell can be read by one', () => {
    const functions = of('sh', 'console').map(({ text }, index) => `f${index}() {\n:\n${text}\n}\n`);
    const { stderr } = spawnSync('bash', ['-n'], { input: functions.join(''), encoding: 'utf8' });
    assert.equal(stderr, '');
  });

  it('of SQL is a query that PostgreSQL can plan', async (t) => {
    const database = await makeTestDatabase();
    atEnd(t, () => database.close());
    const client = new Client({ connectionString: database.url });
    await client.connect();
    atEnd(t, () => client.end());
    const queries = of('sql').filter(({ text }) => /^select /.test(text));
    assert.ok(queries.length > 0);
    for (const block of queries) await assert.doesNotReject(client.query(`explain ${block.text}`), at(block));
  });

  it('of TypeScript or JavaScript can be read', async () => {
    for (const block of of('js', 'javascript', 'ts', 'typescript')) {
      await assert.doesNotReject(transform(block.text.replaceAll('…', 'leftOut'), { loader: 'ts' }), at(block));
    }
  });

  it('has only commands and options that there are, as indented blocks do', () => {
    const fenced = of('sh', 'console', 'text', '').map((block) => [at(block), block.text] as const);
    const indented = documents.map((document) => [document, indentedOf(document)] as const);
    const wrong = [...fenced, ...indented].flatMap(([place, text]) =>
      findUnknownCommands(text).map((problem) => `${place}: ${problem}`),
    );
    assert.deepEqual(wrong, []);
  });
});

/** Or a field of an object. */
function isJson(text: string): boolean {
  try {
    JSON.parse(/^"\w+":/.test(text) ? `{${text}}` : text);
    return true;
  } catch {
    return false;
  }
}

/** The lines of a document's indented blocks. */
function indentedOf(document: string): string {
  const text = readFileSync(join(repository, document), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
  return text
    .split('\n')
    .filter((line) => line.startsWith('    '))
    .join('\n');
}

describe('a block that is wrong', () => {
  const commands: readonly (readonly [text: string, found: RegExp | undefined])[] = [
    ['chaperone get limits --organization a -o json', undefined],
    ['chaperone keys --organization a', undefined],
    ['X=$(npm run -s chaperone -- token --organization a --user b)', undefined],
    ['kubectl exec deploy/x -- chaperone usage --by day', undefined],
    ['helm upgrade chaperone charts/chaperone --set x=y', undefined],
    ['chaperone gett limits', /no command gett/],
    ['chaperone token --organisation a', /token|issue.*no option --organisation/],
    ['$ chaperone usage -o xml', /-o cannot be xml/],
    ['npm run nothing', /no such script/],
  ];
  for (const [text, found] of commands) {
    it(`is ${found ? '' : 'not '}found: ${text}`, () => {
      const [problem] = findUnknownCommands(text);
      if (found) assert.match(problem ?? '', found);
      else assert.equal(problem, undefined);
    });
  }

  it('is found in YAML', () => {
    assert.match(findYamlProblem('spec:\n  limits:\n    - name: a\n      request: {}\n') ?? '', /request/);
    assert.match(findYamlProblem('nothing:\n  a: 1\n') ?? '', /no kind and not the chart/);
    assert.match(
      findYamlProblem('apiVersion: chaperone.dev/v1alpha1\nkind: Persona\nspec:\n  # …\n  activ: true\n') ?? '',
      /activ/,
    );
    assert.match(findYamlProblem('a: [') ?? '', /./);
    assert.equal(findYamlProblem('spec:\n  cache: {}\n'), undefined);
    assert.equal(findYamlProblem('traces:\n  endpoint: http://x\n'), undefined);
  });
});
