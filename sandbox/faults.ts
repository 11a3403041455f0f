import { isJsonObject, type JsonValue } from './json.ts';
import { ProviderError } from './provider-error.ts';

const ranges = {
  status: [400, 599],
  latency: [0, 600_000],
  stall: [0, 600_000],
  'delta-delay': [0, 60_000],
  words: [1, 1_000_000],
  cached: [0, 1_000_000],
  written: [0, 1_000_000],
  'written-1h': [0, 1_000_000],
  reasoning: [0, 1_000_000],
  work: [0, 86_400_000],
} as const;

const flags = [
  'cut',
  'kept',
  'torn',
  'garbage',
  'error-in-stream',
  'failed',
  'reset',
  'no-terminal',
  'unknown-event',
  'refusal',
  'incomplete',
] as const;

type RangedName = keyof typeof ranges;
type FlagName = (typeof flags)[number];

/** The faults that a call requests. README.md lists the directives and their units. */
export type Faults = { [Name in RangedName]?: number } & { [Name in FlagName]?: true };

/**
 * Reads directives such as `latency=100,words=500` from the texts that carry them; a later one wins.
 *
 * @throws ProviderError 400 for a directive that is unknown or out of range: a test must not pass because its fault
 * silently did not happen
 */
export function parseFaults(texts: readonly string[]): Faults {
  const faults: Faults = {};
  for (const directive of texts.flatMap((text) => text.split(','))) {
    const [name = '', value, ...rest] = directive.trim().split('=');
    if (name === '' && value === undefined) continue;
    if (isFlag(name) && value === undefined) faults[name] = true;
    else if (isRanged(name) && rest.length === 0) faults[name] = readNumber(name, value);
    else throw refusal(directive.trim(), 'it is not known');
  }
  return faults;
}

/**
 * The texts of a call that may have directives: its `x-sandbox` header, `metadata.sandbox` in its body, and what its body
 * says of its user after `sandbox:`. Of these, the last is all that passes between the APIs of two vendors.
 */
export function faultTexts(header: string | string[] | undefined, body: JsonValue): string[] {
  const texts = [header ?? []].flat();
  if (!isJsonObject(body)) return texts;
  const metadata = isJsonObject(body.metadata) ? body.metadata : {};
  for (const user of [body.user, body.safety_identifier, metadata.user_id]) {
    if (typeof user === 'string' && user.startsWith('sandbox:')) texts.push(user.slice('sandbox:'.length));
  }
  return typeof metadata.sandbox === 'string' ? [...texts, metadata.sandbox] : texts;
}

function isFlag(name: string): name is FlagName {
  return flags.some((flag) => flag === name);
}

function isRanged(name: string): name is RangedName {
  return Object.hasOwn(ranges, name);
}

function readNumber(name: RangedName, text: string | undefined): number {
  const [minimum, maximum] = ranges[name];
  const number = /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (number >= minimum && number <= maximum) return number;
  throw refusal(`${name}=${text ?? ''}`, `it takes an integer from ${minimum} to ${maximum}`);
}

function refusal(directive: string, reason: string): ProviderError {
  return new ProviderError(`Invalid sandbox directive '${directive}': ${reason}. See sandbox/README.md.`, {
    param: 'metadata.sandbox',
    code: 'invalid_value',
  });
}
