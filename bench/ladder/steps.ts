/** The steps of the ladder, each with all that is below it. */
export const steps = [
  { name: 'passing', adds: 'node:http and the client of our own: requests and answers pass as they are' },
  { name: 'rewritten', adds: 'the body is parsed, checked, and written again with a persona' },
  { name: 'recorded', adds: 'intent and settlement in the spool, with usage and price from the parsed answer' },
  { name: 'sealed', adds: 'the contents, sealed' },
  { name: 'shipped', adds: 'the records are copied to PostgreSQL' },
] as const;

export type StepName = (typeof steps)[number]['name'];

/** Whether a step has what another one adds. */
export function includes(step: StepName, added: StepName): boolean {
  const placeOf = (name: StepName) => steps.findIndex((each) => each.name === name);
  return placeOf(step) >= placeOf(added);
}
