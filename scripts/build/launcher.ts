#!/usr/bin/env node
// What `dist/chaperone.js` is: it starts the program beside it with what V8 compiled of it when it was built.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, loadProgram, type ProgramName } from './program.ts';

const name: ProgramName = process.argv[2] === 'operator' ? 'operator' : 'proxy';
loadProgram(import.meta.dirname, name, readCodeCache()).run();

function readCodeCache(): Buffer | undefined {
  try {
    return readFileSync(join(import.meta.dirname, filesOf(name).codeCache));
  } catch {
    // It starts without one too, only slower.
    return undefined;
  }
}
