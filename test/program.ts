/** What `chaperone` is for the processes that tests start: built for the run (see `setup.ts`), or what it was given. */
export function program(): string {
  const entry = process.env.CHAPERONE_TEST_PROGRAM;
  if (entry === undefined) throw new Error('CHAPERONE_TEST_PROGRAM is not set: run this file with "npm test -- FILE"');
  return entry;
}
