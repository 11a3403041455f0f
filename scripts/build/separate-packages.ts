import { join } from 'node:path';
import { type BuildOptions, type BuildResult, build as bundle, type Plugin } from 'esbuild';

interface SeparatePackage {
  /** Without its extension. */
  readonly file: string;
  /** What the program imports of it. */
  readonly exports: readonly string[];
}

/**
 * Large packages that few processes need. A process keeps the text of its whole program in memory, so these have files of
 * their own, which it reads when it loads them.
 */
const packages: Readonly<Record<string, SeparatePackage>> = {
  compromise: { file: 'compromise', exports: ['default'] },
  'csv-parse': { file: 'csv-parse', exports: ['parse'] },
  'eld/small': { file: 'eld', exports: ['eld'] },
  'emoji.json/emoji.json': { file: 'emoji', exports: ['default'] },
  'libphonenumber-js/min': { file: 'libphonenumber', exports: ['isSupportedCountry', 'parsePhoneNumberFromString'] },
  re2js: { file: 're2js', exports: ['RE2JS'] },
  typebox: { file: 'typebox', exports: ['Type'] },
  'vader-sentiment/src/vader_lexicon.js': { file: 'vader-lexicon', exports: ['lexicon'] },
};

/** Beside the programs. */
const folder = 'packages';
const namespace = 'separate-package';

/** Lets a program load these packages from files of their own. */
export const separatePackages: Plugin = {
  name: 'separate-packages',
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /./ }, ({ path }) => (Object.hasOwn(packages, path) ? { path, namespace } : undefined));
    onLoad({ filter: /./, namespace }, ({ path }) => {
      const { file, exports } = ofName(path);
      return { contents: `export { ${exports.join(', ')} } from './${folder}/${file}.js';` };
    });
    onResolve({ filter: /./, namespace }, ({ path }) => ({ path, external: true }));
  },
};

/**
 * Builds the files of these packages below `directory`. They are in CommonJS, as the programs are.
 *
 * @returns the files that they are made of
 */
export async function buildSeparatePackages(directory: string, options: BuildOptions): Promise<string[]> {
  const results = await Promise.all(
    Object.entries(packages).map(([name, { file, exports }]) =>
      bundle({
        ...options,
        stdin: {
          contents: `export { ${exports.join(', ')} } from '${name}';`,
          resolveDir: options.absWorkingDir ?? '.',
        },
        outfile: join(directory, folder, `${file}.js`),
        minify: true,
      }),
    ),
  );
  return results.flatMap(inputsOf);
}

/** The files that a bundle is made of. */
export function inputsOf({ metafile }: BuildResult): string[] {
  return Object.keys(metafile?.inputs ?? {});
}

function ofName(name: string): SeparatePackage {
  const known = packages[name];
  if (known === undefined) throw new Error(`${name} has no file of its own`);
  return known;
}
