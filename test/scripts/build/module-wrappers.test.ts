import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { withoutSharedShapes } from '../../../scripts/build/module-wrappers.ts';
import { makeDirectory } from '../../directories.ts';

/** More than V8 remembers names. */
const moduleCount = 1_700;

/** Bundles modules that are loaded when they are needed, of both kinds, as the program's are. */
async function bundleModules(): Promise<string> {
  const numbers = Array.from({ length: moduleCount }, (_, index) => index);
  const { outputFiles } = await build({
    stdin: {
      contents: `
        ${numbers.map((number) => `loaders.push(() => require('number-${number}'));`).join('\n')}
        let sum = 0;
        for (const load of loaders) sum += load().number;
        const make = () => { const made = { first: 1 }; made.second = 2; return made; };
        console.log(sum, sameShape(make(), make()));`,
    },
    bundle: true,
    write: false,
    format: 'cjs',
    minifyWhitespace: true,
    plugins: [
      {
        name: 'numbers',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^number-/ }, ({ path }) => ({ path, namespace: 'numbers' }));
          onLoad({ filter: /./, namespace: 'numbers' }, ({ path }) => {
            const number = Number(path.slice('number-'.length));
            const isCommon = number % 2 === 0;
            return { contents: isCommon ? `exports.number = ${number};` : `export const number = ${number};` };
          });
        },
      },
    ],
  });
  return outputFiles[0]?.text ?? '';
}

test('the modules of a program load, and leave other objects their shared shapes', async (t) => {
  const program = await bundleModules();
  const directory = await makeDirectory(t);
  const run = async (name: string, text: string) => {
    const file = join(directory, name);
    await writeFile(file, `const loaders = []; const sameShape = (a, b) => %HaveSameMap(a, b);\n${text}`);
    const { stdout } = await promisify(execFile)(process.execPath, ['--allow-natives-syntax', file]);
    return stdout.trim();
  };
  const sum = (moduleCount * (moduleCount - 1)) / 2;
  // What it is for: without it, V8 makes a new shape for each object.
  assert.equal(await run('as-bundled.cjs', program), `${sum} false`);
  assert.equal(await run('changed.cjs', withoutSharedShapes(program)), `${sum} true`);
});

test('a program whose modules are wrapped in another way is refused', () => {
  assert.throws(() => withoutSharedShapes('var load=__esm(()=>{});'), /wraps modules in another way/);
});
