import { Fields, missing, unsupported } from '../fields.ts';
import type { EventStream, Generation, GenerationRequest, StreamEvent } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import type { JsonObject } from '../json.ts';
import { findModelFor } from '../models.ts';
import { errorEnvelope, errorOfStatus } from '../provider-error.ts';
import { type TokenUsage, tokensOfText } from '../usage.ts';

/** A valid image of one pixel. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** Output tokens of an image, of whatever size. */
const tokensByQuality = { low: 272, medium: 1056, high: 4160 } as const;
/** Input tokens of an image. */
const imageTokens = 200;

interface Drawing {
  count: number;
  createdAt: number;
  kind: JsonObject;
  usage: TokenUsage;
  usageObject: JsonObject;
}

export function makeImageGenerations(): GenerativeEndpoint {
  return {
    path: '/v1/images/generations',
    newId: (requestId) => requestId,
    generate: makeGenerate('image_generation'),
  };
}

export function makeImageEdits(): GenerativeEndpoint {
  return {
    path: '/v1/images/edits',
    takesForm: true,
    newId: (requestId) => requestId,
    generate: makeGenerate('image_edit'),
  };
}

/** Variations have no prompt, and only one model makes them. */
export function makeImageVariations(): GenerativeEndpoint {
  return {
    path: '/v1/images/variations',
    takesForm: true,
    newId: (requestId) => requestId,
    generate(request) {
      const fields = new Fields(request.body);
      requireImages(request);
      findModelFor('image', fields.string('model') ?? 'dall-e-2');
      return drawByImage(fields, request);
    },
  };
}

function makeGenerate(event: 'image_generation' | 'image_edit') {
  return (request: GenerationRequest): Generation => {
    const fields = new Fields(request.body);
    const prompt = fields.requiredString('prompt');
    if (event === 'image_edit') requireImages(request);
    if (request.faults.failed) throw errorOfStatus(500);
    const model = findModelFor('image', fields.string('model') ?? 'dall-e-2');
    if (!model.id.startsWith('gpt-image')) return drawByImage(fields, request);
    const drawing = draw(fields, prompt, request);
    const isStream = fields.boolean('stream') ?? false;
    const partials = fields.integer('partial_images', { minimum: 0, maximum: 3 }) ?? 0;
    return {
      usage: drawing.usage,
      failed: false,
      answer: isStream
        ? { kind: 'stream', stream: imageStream(drawing, event, partials) }
        : { kind: 'whole', body: wholeAnswer(drawing) },
    };
  };
}

function requireImages({ files }: GenerationRequest): void {
  if (!files.some(({ field }) => field === 'image' || field === 'image[]')) throw missing('image');
}

/** Models that are billed by the image report no usage. */
function drawByImage(fields: Fields, { createdAt }: GenerationRequest): Generation {
  if (fields.boolean('stream')) throw unsupported('stream');
  const count = fields.integer('n', { minimum: 1, maximum: 10 }) ?? 1;
  const asJson = fields.choice('response_format', ['url', 'b64_json']) === 'b64_json';
  const image = asJson ? { b64_json: png } : { url: `data:image/png;base64,${png}` };
  return {
    usage: { input: 0, cached: 0, output: 0, reasoning: 0, images: count },
    failed: false,
    answer: { kind: 'whole', body: { created: createdAt, data: Array.from({ length: count }, () => image) } },
  };
}

function draw(fields: Fields, prompt: string, { files, createdAt }: GenerationRequest): Drawing {
  const count = fields.integer('n', { minimum: 1, maximum: 10 }) ?? 1;
  const asked = fields.choice('quality', ['low', 'medium', 'high', 'auto']) ?? 'auto';
  const quality = asked === 'auto' ? 'medium' : asked;
  const size = fields.string('size') ?? 'auto';
  const textTokens = tokensOfText(prompt);
  const inputImageTokens = files.length * imageTokens;
  const output = count * tokensByQuality[quality];
  return {
    count,
    createdAt,
    kind: { background: 'opaque', output_format: 'png', quality, size: size === 'auto' ? '1024x1024' : size },
    usage: { input: textTokens + inputImageTokens, cached: 0, output, reasoning: 0, images: count },
    usageObject: {
      input_tokens: textTokens + inputImageTokens,
      input_tokens_details: { text_tokens: textTokens, image_tokens: inputImageTokens },
      output_tokens: output,
      total_tokens: textTokens + inputImageTokens + output,
    },
  };
}

function wholeAnswer({ count, createdAt, kind, usageObject }: Drawing): JsonObject {
  const data = Array.from({ length: count }, () => ({ b64_json: png }));
  return { created: createdAt, ...kind, data, usage: usageObject };
}

/** The parts of one image, and then the image itself. */
function imageStream(drawing: Drawing, event: string, partials: number): EventStream {
  const image = { b64_json: png, created_at: drawing.createdAt, ...drawing.kind };
  function* events(): Iterable<StreamEvent> {
    for (let index = 0; index < partials; index += 1) {
      yield { part: 'delta', data: { type: `${event}.partial_image`, ...image, partial_image_index: index } };
    }
    yield { part: 'terminal', data: { type: `${event}.completed`, ...image, usage: drawing.usageObject } };
  }
  return {
    deltaCount: partials,
    events,
    encode: (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`,
    error: (error) => ({ type: 'error', ...errorEnvelope(error) }),
    unknown: () => ({ type: `${event}.note` }),
    trailer: '',
  };
}
