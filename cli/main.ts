#!/usr/bin/env node
import { makeProgram } from './program.ts';

makeProgram(process.env.CHAPERONE_VERSION ?? '0.1.0')
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`chaperone: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
