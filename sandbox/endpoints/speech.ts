import { createHash } from 'node:crypto';
import { Fields, unsupported } from '../fields.ts';
import type { EventStream, Generation, GenerationRequest, StreamEvent } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import { findModelFor } from '../models.ts';
import { errorEnvelope, errorOfStatus, ProviderError } from '../provider-error.ts';
import { type TokenUsage, tokensOfText } from '../usage.ts';

const contentTypes = {
  mp3: 'audio/mpeg',
  opus: 'audio/opus',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
} as const;
const formats = ['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'] as const;

const maxCharacters = 4096;
const tokensPerWord = 20;
const bytesPerWord = 1024;

/** Makes speech: each word gives 1,024 bytes derived from it, which are not real audio, and 20 tokens. */
export function makeSpeech(): GenerativeEndpoint {
  return { path: '/v1/audio/speech', newId: (requestId) => requestId, generate };
}

function generate({ body, faults }: GenerationRequest): Generation {
  const fields = new Fields(body);
  const model = findModelFor('speech', fields.requiredString('model'));
  const input = fields.requiredString('input');
  if (typeof body.voice !== 'object') fields.requiredString('voice');
  const format = fields.choice('response_format', formats) ?? 'mp3';
  const asEvents = fields.choice('stream_format', ['sse', 'audio']) === 'sse';
  const characters = [...input].length;
  if (characters > maxCharacters) {
    const message = `Invalid 'input': string too long. Expected a string with maximum length ${maxCharacters}, but got a string with length ${characters} instead.`;
    throw new ProviderError(message, { param: 'input', code: 'string_above_max_length' });
  }
  const hasTokens = model.id.startsWith('gpt-');
  if (asEvents && !hasTokens) throw unsupported('stream_format');
  if (faults.failed) throw errorOfStatus(500);
  const spoken = input.split(/\s+/).filter((word) => word !== '');
  const words = Array.from(
    { length: faults.words ?? spoken.length },
    (_, index) => spoken[index % spoken.length] ?? '',
  );
  const usage: TokenUsage = {
    input: hasTokens ? tokensOfText(input) : 0,
    cached: 0,
    output: hasTokens ? words.length * tokensPerWord : 0,
    reasoning: 0,
    characters,
  };
  const chunks = words.map(soundOf);
  return {
    usage,
    failed: false,
    answer: asEvents
      ? { kind: 'stream', stream: audioStream(chunks, usage) }
      : { kind: 'bytes', contentType: contentTypes[format], chunks },
  };
}

function soundOf(word: string): Buffer {
  const digest = createHash('sha256').update(word).digest();
  return Buffer.concat(Array.from({ length: bytesPerWord / digest.length }, () => digest));
}

function audioStream(chunks: Buffer[], { input, output }: TokenUsage): EventStream {
  function* events(): Iterable<StreamEvent> {
    for (const chunk of chunks) {
      yield { part: 'delta', data: { type: 'speech.audio.delta', audio: chunk.toString('base64') } };
    }
    const usage = { input_tokens: input, output_tokens: output, total_tokens: input + output };
    yield { part: 'terminal', data: { type: 'speech.audio.done', usage } };
  }
  return {
    deltaCount: chunks.length,
    events,
    encode: (data) => `data: ${JSON.stringify(data)}\n\n`,
    error: errorEnvelope,
    unknown: () => ({ type: 'speech.audio.note' }),
    trailer: '',
  };
}
