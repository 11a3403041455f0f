import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { constants, Script } from 'node:vm';

/** The bundle's file that Node starts. `filesOf` gives those of each program. */
export const launcherFile = 'chaperone.js';

/**
 * The commands that run in a cluster each have their own program, without the code of the others. All other commands
 * share one.
 */
export type ProgramName = 'proxy' | 'operator' | 'worker' | 'trainer' | 'commands';

export const programNames: readonly ProgramName[] = ['proxy', 'operator', 'worker', 'trainer', 'commands'];

/** The program that has a command. */
export function programOf(command: string | undefined, options: readonly string[]): ProgramName {
  // In a cluster the operator needs no validators of its own, so its program has none.
  if (command === 'operator' && options.some((option) => /^--directory(?:=|$)/.test(option))) return 'commands';
  return programNames.find((name) => name === command) ?? 'commands';
}

export function filesOf(name: ProgramName) {
  return { program: `${name}.js`, codeCache: `${name}.cache` };
}

/** The frame that makes the program a function with the arguments of a CommonJS module. */
export const programFrame = { start: '(function (require, __filename, __dirname) {', end: '})' } as const;

export interface Program {
  /** Whether V8 accepted the cache. It refuses one from another version of V8, or of another program. */
  readonly usesCodeCache: boolean;
  run(): void;
  /** The code that V8 has compiled so far. */
  createCodeCache(): Buffer;
}

/**
 * Loads the bundled program, with a code cache where one is given. Node's own compile cache depends on the user id and
 * needs a writable folder, which a container may not have.
 */
export function loadProgram(directory: string, name: ProgramName, codeCache: Buffer | undefined): Program {
  const filename = join(directory, filesOf(name).program);
  // It is in ASCII (in-ascii.ts), and latin1 is the fastest to decode.
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
