// What the programs have in common. They know nothing of Chaperone: base URL and key are in the environment.

export const question = 'What is the weather in Paris?';
/** Has the sandbox refuse a call each time that it is tried. */
export const unavailable = { sandbox: 'status=503' };
/** Has the sandbox close the connection in the middle of its answer. */
export const cut = { sandbox: 'cut' };

/** What the tool does. */
export const lookUp = ({ city }) => JSON.stringify({ city, celsius: 21 });

/** Prints one line of JSON: what was done, and what came of it, or what was raised, with its causes. */
export async function attempt(what, work) {
  let outcome;
  try {
    outcome = (await work()) ?? 'no answer';
  } catch (error) {
    outcome = raised(error);
  }
  process.stdout.write(`${JSON.stringify([what, outcome])}\n`);
}

function raised(error) {
  if (!(error instanceof Error)) return error === undefined ? [] : ['raised', String(error)];
  const { name, message, code, status, cause } = error;
  return [['raised', error.constructor.name, name, message, code, status], ...raised(cause)];
}
