import { outputTokenFields } from '../../../crds/asked-fields.ts';
import type { Body } from '../../providers/json.ts';
import { type History, unknownOutputTokens } from './history.ts';
import type { Sought } from './reserve.ts';

/** Upper bounds of the tokens of a call. */
export interface TokenNeeds {
  readonly input: number;
  readonly output: number;
  /** The field that limits the output. Undefined: the call has none. */
  readonly outputField: string | undefined;
  /** How many answers the output is for. */
  readonly answers: number;
  readonly bytes: number | undefined;
  readonly refers: boolean;
}

/** Operations whose answers have none, but whose input has tokens. */
const inputOperations = new Set(['embeddings']);
/** Operations whose answers are no text, with whether they send files. Some models bill them by tokens all the same. */
const mediaOperations: ReadonlyMap<string, { readonly sendsFiles: boolean }> = new Map([
  ['image_generations', { sendsFiles: false }],
  ['image_edits', { sendsFiles: true }],
  ['image_variations', { sendsFiles: true }],
  ['speech', { sendsFiles: false }],
  ['transcriptions', { sendsFiles: true }],
  ['translations', { sendsFiles: true }],
]);

/**
 * Bounds the tokens of a call: of its input by its bytes, of its output by what the call allows. Of pictures and sound it
 * is what earlier calls have used.
 *
 * @param isBilledByTokens whether the model has a price for tokens
 */
export function boundTokens(sought: Sought, history: History, isBilledByTokens: boolean): TokenNeeds {
  const { operation, body, lines } = sought;
  const fields = outputTokenFields[operation];
  if (lines) {
    return {
      input: lines.inputBytes,
      output: lines.outputTokens,
      outputField: undefined,
      answers: 1,
      bytes: undefined,
      refers: false,
    };
  }
  const media = mediaOperations.get(operation);
  if (media) return isBilledByTokens ? mediaTokens(sought, history, media.sendsFiles) : noTokens;
  if (!fields && !inputOperations.has(operation)) return noTokens;
  const { bytes, refers } = sizeOf(sought);
  const input = history.inputTokensOf(bytes) + (refers ? history.referredTokens() : 0);
  if (!fields) return { ...noTokens, input, bytes, refers };
  const answers = answersOf(operation, body);
  const [outputField, output] = statedOutput(fields, body) ?? [fields[0], history.outputTokens()];
  return { input, output: output * answers, outputField, answers, bytes, refers };
}

function mediaTokens(sought: Sought, history: History, sendsFiles: boolean): TokenNeeds {
  const { bytes, refers: refersInBody } = sizeOf(sought);
  const refers = refersInBody || sendsFiles;
  const { n } = sought.body;
  const answers = Number.isSafeInteger(Number(n)) && Number(n) > 1 ? Number(n) : 1;
  return {
    input: history.inputTokensOf(bytes) + (refers ? history.referredTokens() : 0),
    output: history.outputTokens() * answers,
    ...{ outputField: undefined, answers, bytes, refers },
  };
}

/** The output tokens that a call allows. Undefined: it does not say. */
export function statedOutput(fields: readonly string[], body: Body): [field: string, tokens: number] | undefined {
  for (const field of fields) {
    const value = body[field];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return [field, value];
  }
  return undefined;
}

/** The output tokens that a line of a batch may make. */
export function lineOutput(operation: string, body: Body): number {
  const fields = outputTokenFields[operation];
  if (!fields) return 0;
  return (statedOutput(fields, body)?.[1] ?? unknownOutputTokens) * answersOf(operation, body);
}

const noTokens: TokenNeeds = {
  input: 0,
  output: 0,
  outputField: undefined,
  answers: 1,
  bytes: undefined,
  refers: false,
};

function answersOf(operation: string, { n, best_of: bestOf }: Body): number {
  if ((n === undefined && bestOf === undefined) || (operation !== 'chat' && operation !== 'completions')) return 1;
  const count = Math.max(...[n, bestOf].map((value) => (typeof value === 'number' && value >= 1 ? value : 1)));
  return Number.isSafeInteger(count) ? count : 1;
}

/** Parts whose tokens are not those of their bytes. */
const partTypes = ['"image_url"', '"input_image"', '"input_audio"', '"input_file"', '"image"', '"document"', '"file"'];
/** Every such part has it, and a plain text has not. */
const partMark = '"type"';
const base64 = ';base64,';

/** The bytes of the text in a body, and whether it has or refers to something else. */
function sizeOf({ sent, hasReferences, body }: Sought): { bytes: number; refers: boolean } {
  const raw = sent ?? JSON.stringify(body);
  const bytes = typeof raw === 'string' ? Buffer.byteLength(raw) : raw.length;
  const hasParts = raw.includes(partMark) && partTypes.some((type) => raw.includes(type));
  if (!hasParts) return { bytes, refers: hasReferences };
  return { bytes: bytes - base64Bytes(raw), refers: true };
}

/** Files within a body are billed as what they show. */
function base64Bytes(raw: Buffer | string): number {
  let sum = 0;
  for (let at = raw.indexOf(base64); at !== -1; at = raw.indexOf(base64, at + 1)) {
    const end = raw.indexOf('"', at);
    if (end > at) sum += end - at;
  }
  return sum;
}
