import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type BuildOptions, build, type Plugin, transform } from 'esbuild';

const root = dirname(dirname(import.meta.dirname));

/** The oldest browsers that scripts for web pages run in: the first with style sheets that scripts construct and share. */
export const oldBrowsers = ['chrome111', 'edge111', 'firefox114', 'safari16.4'];

/** Style sheets become texts, without spaces. */
const stylesAsTexts: Plugin = {
  name: 'styles-as-texts',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), {
        ...{ loader: 'css', minify: true, target: oldBrowsers },
      });
      return { loader: 'text', contents: code.trim() };
    });
  },
};

export interface BrowserBundle {
  readonly script: Uint8Array;
  /** The files that it is made of, relative to the repository. */
  readonly inputs: readonly string[];
}

export interface BrowserEntry {
  /** Relative to the repository. */
  readonly entry: string;
  readonly tsconfig?: string;
  readonly target: readonly string[];
  /** Whether style sheets that scripts import become texts. */
  readonly hasStyleTexts?: boolean;
}

/** Makes one file for browsers, of a script or of a style sheet. */
export async function bundleForBrowsers({
  entry,
  tsconfig,
  target,
  hasStyleTexts,
}: BrowserEntry): Promise<BrowserBundle> {
  const options: BuildOptions = {
    ...{ absWorkingDir: root, entryPoints: [entry], bundle: true, platform: 'browser', format: 'iife' },
    ...{ target: [...target], charset: 'utf8', minify: true, legalComments: 'eof', logLevel: 'warning' },
    ...(tsconfig !== undefined && { tsconfig }),
    ...(hasStyleTexts && { plugins: [stylesAsTexts] }),
  };
  const { outputFiles, metafile } = await build({ ...options, write: false, metafile: true });
  const [file] = outputFiles;
  if (!file) throw new Error(`esbuild made no file of ${entry}`);
  return { script: file.contents, inputs: Object.keys(metafile.inputs) };
}
