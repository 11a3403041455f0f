#!/usr/bin/env node
// What `dist/chaperone.js` is: it starts the program beside it with what V8 compiled of it when it was built.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleFiles, loadProgram } from './program.ts';

loadProgram(import.meta.dirname, readCodeCache()).run();

function readCodeCache(): Buffer | undefined {
  try {
    return readFileSync(join(import.meta.dirname, bundleFiles.codeCache));
  } catch {
    // It starts without one too, only slower.
    return undefined;
  }
}
