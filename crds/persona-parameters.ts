import { reservedParameters } from './call-fields.ts';
import { findListedField, readCallFields } from './read-call-fields.ts';

type Parameters = Readonly<Record<string, unknown>>;

/** A field of a persona's parameters that a persona may not set. */
export interface ReservedParameter {
  /** Its name within the parameters. */
  readonly name: string;
  /** What follows the name in a sentence, such as `is for each call to say`. */
  readonly reason: string;
}

/** The first field that a persona may not set: it would govern calls, or name what is kept at a provider. */
export function findReservedParameter(parameters: Parameters): ReservedParameter | undefined {
  for (const name of Object.keys(parameters)) {
    const reason = whyReserved(name, parameters[name]);
    if (reason !== undefined) return { name, reason };
  }
  return undefined;
}

/** The parameters that a persona may set. Rows of earlier versions may have others, which are left out. */
export function permittedParameters(parameters: Parameters): Parameters {
  if (findReservedParameter(parameters) === undefined) return parameters;
  return Object.fromEntries(
    Object.entries(parameters).filter(([name, value]) => whyReserved(name, value) === undefined),
  );
}

function whyReserved(name: string, value: unknown): string | undefined {
  const meant = findListedField(name);
  if (meant !== undefined && meant !== name) return `must be written ${meant}`;
  if (reservedParameters.includes(name)) return 'is for each request to say';
  const { references, models, lookalike, isTooDeep } = readCallFields({ [name]: value });
  const [reference] = references;
  if (reference) {
    const what = reference.param === name ? '' : ` in ${reference.param}`;
    return `names what is kept at a provider${what}; each request must name it itself`;
  }
  if (models.length > 0) return 'names a model; each request must name it itself';
  if (lookalike) return `has a field ${lookalike.field}, which must be written ${lookalike.meant}`;
  return isTooDeep ? 'is nested too deep' : undefined;
}
