import { composeAnswer, splitDeltas } from '../answer.ts';
import { Fields, missing, unsupported } from '../fields.ts';
import type { EventStream, Generation, GenerationRequest, StreamEvent, UploadedFile } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import type { JsonObject } from '../json.ts';
import { findModelFor, type Model } from '../models.ts';
import { errorEnvelope, errorOfStatus } from '../provider-error.ts';
import { operatorTurn } from '../turns.ts';
import { type TokenUsage, tokensOfText } from '../usage.ts';

const formats = ['json', 'text', 'srt', 'verbose_json', 'vtt', 'diarized_json'] as const;
type Format = (typeof formats)[number];

/** How many bytes of any file count as a second of audio. */
const bytesPerSecond = 16_000;
const tokensPerSecond = 10;

interface Transcript {
  task: 'transcribe' | 'translate';
  text: string;
  seconds: number;
  usage: TokenUsage;
  /** The usage in the answer. Undefined where it has none. */
  usageObject: JsonObject | undefined;
}

export function makeTranscriptions(): GenerativeEndpoint {
  return {
    path: '/v1/audio/transcriptions',
    takesForm: true,
    newId: (requestId) => requestId,
    generate: (request) => generate(request, 'transcribe'),
  };
}

export function makeTranslations(): GenerativeEndpoint {
  return {
    path: '/v1/audio/translations',
    takesForm: true,
    newId: (requestId) => requestId,
    generate: (request) => generate(request, 'translate'),
  };
}

function generate({ body, files, faults }: GenerationRequest, task: Transcript['task']): Generation {
  const fields = new Fields(body);
  const model = findModelFor('transcription', fields.requiredString('model'));
  const file = files.find(({ field }) => field === 'file');
  if (!file) throw missing('file');
  const format = fields.choice('response_format', formats) ?? 'json';
  const byTokens = model.id !== 'whisper-1';
  if (byTokens && (format !== 'json' || task === 'translate')) throw unsupported('response_format');
  if (faults.failed) throw errorOfStatus(500);
  const transcript = listen(model, file, fields.string('prompt') ?? '', task, faults.words);
  const { usage } = transcript;
  if (byTokens && fields.boolean('stream')) {
    return { usage, failed: false, answer: { kind: 'stream', stream: transcriptStream(transcript) } };
  }
  const answered = wholeAnswer(transcript, format);
  const answer: Generation['answer'] =
    typeof answered === 'string'
      ? { kind: 'bytes', contentType: 'text/plain; charset=utf-8', chunks: [Buffer.from(answered)] }
      : { kind: 'whole', body: answered };
  return { usage, failed: false, answer };
}

function listen(
  model: Model,
  file: UploadedFile,
  prompt: string,
  task: Transcript['task'],
  words: number | undefined,
): Transcript {
  const seconds = Math.ceil(file.bytes.length / bytesPerSecond);
  const said = `${file.name}, ${seconds} s`;
  const instructions = prompt === '' ? [] : [operatorTurn(prompt)];
  const text = composeAnswer(model.id, [...instructions, { speaker: 'user', text: said, bytes: 0 }], words);
  if (model.id === 'whisper-1') {
    const usage = { input: 0, cached: 0, output: 0, reasoning: 0, seconds };
    // OpenAI's translations report no usage.
    const usageObject = task === 'translate' ? undefined : { type: 'duration', seconds };
    return { task, text, seconds, usage, usageObject };
  }
  const [audio, textTokens, output] = [seconds * tokensPerSecond, tokensOfText(prompt), tokensOfText(text)];
  const input = audio + textTokens;
  return {
    task,
    text,
    seconds,
    usage: { input, cached: 0, output, reasoning: 0, seconds },
    usageObject: {
      type: 'tokens',
      input_tokens: input,
      input_token_details: { audio_tokens: audio, text_tokens: textTokens },
      output_tokens: output,
      total_tokens: input + output,
    },
  };
}

function wholeAnswer({ task, text, seconds, usageObject }: Transcript, format: Format): JsonObject | string {
  const end = new Date(seconds * 1_000).toISOString().slice(11, 23);
  switch (format) {
    case 'text':
      return `${text}\n`;
    case 'srt':
      return `1\n00:00:00,000 --> ${end.replace('.', ',')}\n${text}\n\n`;
    case 'vtt':
      return `WEBVTT\n\n00:00.000 --> ${end}\n${text}\n\n`;
    case 'json':
      return { text, ...(usageObject && { usage: usageObject }) };
    case 'verbose_json':
    case 'diarized_json': {
      const segments = [{ id: 0, seek: 0, start: 0, end: seconds, text, tokens: [], temperature: 0 }];
      const whole = { task, language: 'english', duration: seconds, text, segments };
      return { ...whole, ...(usageObject && { usage: usageObject }) };
    }
  }
}

function transcriptStream({ text, usageObject = {} }: Transcript): EventStream {
  const deltas = splitDeltas(text);
  function* events(): Iterable<StreamEvent> {
    for (const delta of deltas) yield { part: 'delta', data: { type: 'transcript.text.delta', delta } };
    yield { part: 'terminal', data: { type: 'transcript.text.done', text, usage: usageObject } };
  }
  return {
    deltaCount: deltas.length,
    events,
    encode: (data) => `data: ${JSON.stringify(data)}\n\n`,
    error: errorEnvelope,
    unknown: () => ({ type: 'transcript.text.note' }),
    trailer: '',
  };
}
