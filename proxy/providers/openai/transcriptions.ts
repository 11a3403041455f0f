import { asObject, asSeconds, asString, type Body } from '../json.ts';
import type { Reading } from '../reading.ts';
import { type Usage, unknownUsage } from '../usage.ts';
import type { WireFormat } from '../wire-format.ts';
import { readPlain } from './plain-answer.ts';
import { plainFormat } from './plain-format.ts';
import { readTokenUsage } from './token-usage.ts';
import { makeTypedEventReader } from './typed-events.ts';

/** `POST /v1/audio/transcriptions` and `/v1/audio/translations`. */
export const transcriptions = listening('/audio/transcriptions');
export const translations = listening('/audio/translations');

function listening(path: string): WireFormat {
  return {
    ...plainFormat,
    path,
    read: readTranscription,
    readText,
    readStream: () =>
      makeTypedEventReader({
        isOutput: (type) => type === 'transcript.text.delta' || type === 'transcript.text.segment',
        isLast: (type) => type === 'transcript.text.done',
        read: (_type, data) => readTranscription(data),
      }),
  };
}

function readTranscription(answer: unknown): Reading {
  const read = readPlain(answer);
  const object = asObject(answer);
  if (read.failed || !object) return read;
  const usage = readUsage(object.usage);
  // The duration may be in the transcription where the usage has none.
  return {
    ...read,
    usage: { ...usage, audioSeconds: usage.audioSeconds ?? asSeconds(object.duration) },
    language: asString(object.language),
  };
}

function readUsage(value: unknown): Usage {
  const usage = asObject(value);
  if (usage?.type === 'duration') return { ...unknownUsage, audioSeconds: asSeconds(usage.seconds) };
  return readTokenUsage(usage);
}

/** The last subtitle shows the length of the audio. Plain text does not. */
function readText(text: string, { response_format: format }: Body): Reading | undefined {
  if (format === 'text') return readPlain(null);
  if (format !== 'srt' && format !== 'vtt') return undefined;
  return { ...readPlain(null), usage: { ...unknownUsage, audioSeconds: readLastCue(text) } };
}

/**
 * The end of the last cue, such as `00:00:01,000 --> 00:01:02,500`; WebVTT leaves out hours that are 0.
 *
 * @see https://www.w3.org/TR/webvtt1/#webvtt-timestamp
 */
const cue = /-->[ \t]*(?:(\d{2,}):)?(\d{2}):(\d{2})[.,](\d{3})/g;

function readLastCue(text: string): number | null {
  const last = [...text.matchAll(cue)].at(-1);
  if (!last) return null;
  const [hours = 0, minutes = 0, seconds = 0, milliseconds = 0] = last.slice(1).map((part) => Number(part ?? 0));
  return asSeconds(hours * 3_600 + minutes * 60 + seconds + milliseconds / 1_000);
}
