import { type EmbeddingInput, embeddingVector } from '../embedding-vector.ts';
import { Fields, missing, wrongType } from '../fields.ts';
import type { Generation, GenerationRequest } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import type { JsonValue } from '../json.ts';
import { findEmbeddingModel } from '../models.ts';
import { errorOfStatus, ProviderError } from '../provider-error.ts';
import { tokensOfText } from '../usage.ts';

const maxInputs = 2048;

export function makeEmbeddings(): GenerativeEndpoint {
  return { path: '/v1/embeddings', newId: (requestId) => requestId, generate };
}

function generate({ body, faults }: GenerationRequest): Generation {
  const fields = new Fields(body);
  const model = findEmbeddingModel(fields.requiredString('model'));
  const inputs = readInputs(fields.value('input'));
  const encoding = fields.choice('encoding_format', ['float', 'base64']) ?? 'float';
  const dimensions = fields.integer('dimensions', { minimum: 1, maximum: model.dimensions });
  if (dimensions !== null && !model.shortens) {
    throw new ProviderError('This model does not support specifying dimensions.', { param: 'dimensions' });
  }
  if (faults.failed) throw errorOfStatus(500);
  const data = inputs.map((input, index) => {
    const vector = embeddingVector(input, dimensions ?? model.dimensions);
    return { object: 'embedding', index, embedding: encoding === 'base64' ? base64(vector) : [...vector] };
  });
  const tokens = inputs.reduce((sum, input) => sum + tokensOf(input), 0);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  return {
    usage: { input: tokens, cached: 0, output: 0, reasoning: 0 },
    failed: false,
    answer: { kind: 'whole', body: { object: 'list', data, model: model.snapshot, usage } },
  };
}

/** One text, one list of tokens, or a list of either. */
function readInputs(input: JsonValue): EmbeddingInput[] {
  if (input === null) throw missing('input');
  if (typeof input === 'string') return [requireContent(input, 'input')];
  if (!Array.isArray(input)) throw wrongType('input', 'one of a string or array', input);
  if (input.length > maxInputs && !isTokens(input)) {
    throw new ProviderError(`Invalid 'input': array too long. Expected an array with maximum length ${maxInputs}.`, {
      param: 'input',
      code: 'array_above_max_length',
    });
  }
  if (isTokens(input)) return [input];
  return requireContent(input, 'input').map((element, index) => {
    const path = `input[${index}]`;
    if (typeof element === 'string') return requireContent(element, path);
    if (Array.isArray(element) && isTokens(element)) return element;
    throw wrongType(path, 'a string or an array of tokens', element);
  });
}

function isTokens(values: JsonValue[]): values is number[] {
  return values.length > 0 && values.every((value) => typeof value === 'number' && Number.isInteger(value));
}

function requireContent<Content extends string | JsonValue[]>(content: Content, path: string): Content {
  if (content.length > 0) return content;
  throw new ProviderError(`Invalid '${path}': it must not be empty.`, { param: path, code: 'invalid_value' });
}

function tokensOf(input: EmbeddingInput): number {
  return typeof input === 'string' ? tokensOfText(input) : input.length;
}

/** Little-endian 32-bit floats, as OpenAI packs them and its SDKs ask for them. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
