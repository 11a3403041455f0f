import { proxyNodeOptions } from '../cli/local/kept-process.ts';

/** The program for processes that tests start: the one built for the run (see `setup.ts`), or the given one. */
export function program(): string {
  const entry = process.env.CHAPERONE_TEST_PROGRAM;
  if (entry === undefined) throw new Error('CHAPERONE_TEST_PROGRAM is not set: run this file with "npm test -- FILE"');
  return entry;
}

/** Node's arguments for a command of the program, as the image has them. With other options V8 refuses its code cache. */
export function commandOf(...args: readonly string[]): string[] {
  return [...proxyNodeOptions, program(), ...args];
}
