#!/usr/bin/env node
// Becomes `dist/chaperone.js`. It starts the program beside it, with the code cache that V8 made at build time.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, loadProgram, type ProgramName } from './program.ts';

const [, , command] = process.argv;
const name: ProgramName = command === 'operator' || command === 'worker' ? command : 'proxy';
loadProgram(import.meta.dirname, name, readCodeCache()).run();

function readCodeCache(): Buffer | undefined {
  try {
    return readFileSync(join(import.meta.dirname, filesOf(name).codeCache));
  } catch {
    // The program starts without a cache, too, only slower.
    return undefined;
  }
}
