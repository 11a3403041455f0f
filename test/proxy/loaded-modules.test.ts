import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { makeDirectory, repository } from '../directories.ts';
import { program } from '../program.ts';
import { startProxy } from '../proxy-process.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

interface Loaded {
  readonly packages: readonly string[];
  /** Files of our own, relative to the repository. */
  readonly files: readonly string[];
  /** Modules of Node's own. */
  readonly builtins: readonly string[];
}

/** In the proxy's process: writes what it has loaded, when it gets the signal. */
const spy = `
  import { renameSync, writeFileSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  const packages = new Set();
  const files = new Set();
  registerHooks({
    load(url, context, next) {
      const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
      if (name) packages.add(name);
      else if (url.startsWith(process.env.REPOSITORY)) files.add(url.slice(process.env.REPOSITORY.length));
      return next(url, context);
    },
  });
  process.on('SIGHUP', () => {
    const builtins = process.moduleLoadList.flatMap((entry) => /^NativeModule (.+)/.exec(entry)?.[1] ?? []);
    const file = process.env.LOADED_MODULES;
    writeFileSync(file + '.new', JSON.stringify({ packages: [...packages], files: [...files], builtins }));
    renameSync(file + '.new', file);
  });
`;

/** All that calls need. Whatever else is loaded at the start costs every pod memory and time. */
const neededPackages = [
  ['@opentelemetry/api', 'prom-client', 'bintrees', 'tdigest'],
  ['commander', 'jose', 'lru-cache'],
  ['@pinojs/redact', 'atomic-sleep', 'on-exit-leak-free', 'pino', 'pino-std-serializers', 'quick-format-unescaped'],
  ['safe-stable-stringify', 'sonic-boom', 'thread-stream'],
  ['pg', 'pg-connection-string', 'pg-int8', 'pg-pool', 'pg-protocol', 'pg-types'],
  ['postgres-array', 'postgres-bytea', 'postgres-date', 'postgres-interval', 'xtend'],
].flat();

/** What of our own nobody has asked for: the console, traces, and what other surfaces work with. */
const unwantedFiles = [
  ...[/^console\//, /^proxy\/surfaces\/console\/(?!index)/, /^proxy\/surfaces\/governance\/(?!index)/],
  ...[/^proxy\/governance\//, /^crds\/(documents|definition|validate)/],
  ...[/^traces\/(?!trace-parent|settings)/, /^proxy\/calls\/traces\/(?!trace(s|d)\.ts)/],
];

/** What the bundle leaves out although packages name it. */
const unwantedBuiltins = ['http2', 'https', 'worker_threads', 'inspector', 'repl'];

suite('a proxy that has only served calls', () => {
  const scope = suiteScope();
  let stack: Stack;
  before(async () => {
    stack = await startStack(scope);
  });

  /** Starts a proxy, makes a call, and asks what is loaded. */
  const loadedBy = async (entry: string): Promise<Loaded> => {
    const directory = await makeDirectory(scope);
    const file = join(directory, 'loaded.json');
    const proxy = await startProxy(scope, {
      entry,
      credentialsDirectory: stack.credentialsDirectory,
      upstreamUrl: stack.upstreamUrl,
      environment: {
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(spy)}`,
        LOADED_MODULES: file,
        REPOSITORY: `${pathToFileURL(repository)}/`,
      },
    });
    const answer = await fetch(`http://127.0.0.1:${proxy.port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] }),
    });
    assert.equal(answer.status, 200, await answer.text());
    process.kill(proxy.pid() ?? 0, 'SIGHUP');
    return JSON.parse(await until(() => readFile(file, 'utf8').catch(() => undefined), 'what is loaded'));
  };

  test('has loaded only the packages and files that calls need', async () => {
    const { packages, files } = await loadedBy(join(repository, 'cli', 'main.ts'));
    assert.ok(packages.includes('pg') && files.includes('proxy/calls/pipeline.ts'));
    assert.deepEqual(
      files.filter((file) => unwantedFiles.some((pattern) => pattern.test(file))),
      [],
    );
    assert.deepEqual(
      packages.filter((name) => !neededPackages.includes(name)),
      [],
    );
  });

  test('has loaded, as a bundle, only the modules of Node that it uses', async () => {
    const { builtins } = await loadedBy(program());
    assert.ok(builtins.includes('http') && builtins.includes('crypto'));
    assert.deepEqual(
      builtins.filter((name) => unwantedBuiltins.includes(name)),
      [],
    );
  });
});
