import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

/** The file of the bundle that is run. */
export const launcherFile = 'chaperone.js';

/** The part that the launcher runs first. */
export const mainPart = 'cli/main';

/** How a part asks for another one, and not for a package. */
export const partPrefix = 'part:';

/** Around a part's code: what a CommonJS module gets, but for `__dirname`, which is the bundle's folder. */
export const partFrame = { start: '(function (module, require, __filename, __dirname) {', end: '})' } as const;

export interface Parts {
  run(): void;
  /** Of all parts that have been loaded: the file for its code cache, and what V8 has compiled until now. */
  createCodeCaches(): { file: string; codeCache: Buffer }[];
}

/**
 * Makes what loads the parts of a bundle, each with its code cache where there is one. Node's own compile cache would do
 * the same, but is for one user id and wants a folder that can be written to; a container has neither for sure.
 */
export function makeParts(directory: string): Parts {
  const scripts = new Map<string, Script>();
  const modules = new Map<string, { exports: object }>();
  const requireOutside = createRequire(join(directory, launcherFile));

  const load = (part: string): object => {
    const known = modules.get(part);
    if (known) return known.exports;
    const module = { exports: {} };
    modules.set(part, module);
    const filename = join(directory, `${part}.js`);
    const script = compile(filename);
    scripts.set(filename, script);
    script.runInThisContext()(module, requireAny, filename, directory);
    return module.exports;
  };
  const requireAny = (name: string): unknown =>
    name.startsWith(partPrefix) ? load(name.slice(partPrefix.length)) : requireOutside(name);

  return {
    run: () => void load(mainPart),
    createCodeCaches: () =>
      Array.from(scripts, ([filename, script]) => ({
        file: codeCacheOf(filename),
        codeCache: script.createCachedData(),
      })),
  };
}

function compile(filename: string): Script {
  // The bundler writes ASCII, comments aside, and a string of single bytes is the fastest to make.
  return new Script(readFileSync(filename, 'latin1'), { filename, cachedData: readCodeCache(filename) });
}

/** V8 itself refuses a cache of another version or of another program. */
function readCodeCache(filename: string): Buffer | undefined {
  try {
    return readFileSync(codeCacheOf(filename));
  } catch {
    // It starts without one too, only slower.
    return undefined;
  }
}

function codeCacheOf(filename: string): string {
  return `${filename}.cache`;
}
