import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { constants, Script } from 'node:vm';

/** The bundle's files, all in one folder, with those of `filesOf` for each program. */
export const bundleFiles = {
  launcher: 'chaperone.js',
  /** What the commands load that are no programs. */
  commands: 'commands.js',
} as const;

/** The commands that run in a cluster: each is the whole program with its own code in it, and nothing of the others'. */
export type ProgramName = 'proxy' | 'operator';

export function filesOf(name: ProgramName) {
  return { program: `${name}.js`, codeCache: `${name}.cache` };
}

/** What the program is, to the script that holds it: a function of what a CommonJS module gets. */
export const programFrame = { start: '(function (require, __filename, __dirname) {', end: '})' } as const;

export interface Program {
  /** V8 refuses a cache of another version of itself, or of another program. */
  readonly usesCodeCache: boolean;
  run(): void;
  /** What V8 has compiled until now. */
  createCodeCache(): Buffer;
}

/**
 * Loads the bundled program, with the code cache where one is given. Node's own compile cache would do the same, but is
 * for one user id and wants a folder that can be written to; a container has neither for sure.
 */
export function loadProgram(directory: string, name: ProgramName, codeCache: Buffer | undefined): Program {
  const filename = join(directory, filesOf(name).program);
  // The bundler writes ASCII, comments aside, and a string of single bytes is the fastest to make.
  const script = new Script(readFileSync(filename, 'latin1'), {
    filename,
    cachedData: codeCache,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return {
    usesCodeCache: script.cachedDataRejected === false,
    run: () => script.runInThisContext()(createRequire(filename), filename, directory),
    createCodeCache: () => script.createCachedData(),
  };
}
