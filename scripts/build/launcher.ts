#!/usr/bin/env node
// Becomes `dist/chaperone.js`. It starts the program beside it, with the code cache that V8 made at build time.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, loadProgram, programOf } from './program.ts';

const [, , command, ...options] = process.argv;
const name = programOf(command, options);
loadProgram(import.meta.dirname, name, readCodeCache()).run();

function readCodeCache(): Buffer | undefined {
  try {
    return readFileSync(join(import.meta.dirname, filesOf(name).codeCache));
  } catch {
    // The program starts without a cache, too, only slower.
    return undefined;
  }
}
