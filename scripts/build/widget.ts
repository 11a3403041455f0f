// node scripts/build/widget.ts: writes the chat for web pages (widget/), as one file, to the standard output.
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { build, type Plugin, transform } from 'esbuild';

const root = dirname(dirname(import.meta.dirname));

/** The oldest browsers that it runs in: the first ones with style sheets that scripts construct and share. */
const target = ['chrome111', 'edge111', 'firefox114', 'safari16.4'];

/** Style sheets become texts, without spaces. */
const stylesAsTexts: Plugin = {
  name: 'styles-as-texts',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true, target });
      return { loader: 'text', contents: code.trim() };
    });
  },
};

export interface WidgetBundle {
  readonly script: Uint8Array;
  /** The files that it is made of, relative to the repository. */
  readonly inputs: readonly string[];
}

export async function bundleWidget(): Promise<WidgetBundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['widget/main.ts'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    target,
    charset: 'utf8',
    minify: true,
    legalComments: 'eof',
    logLevel: 'warning',
    tsconfig: 'widget/tsconfig.json',
    plugins: [stylesAsTexts],
  });
  const [file] = outputFiles;
  if (!file) throw new Error('esbuild made no file');
  return { script: file.contents, inputs: Object.keys(metafile.inputs) };
}

if (import.meta.main) process.stdout.write((await bundleWidget()).script);
