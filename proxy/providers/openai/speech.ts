import { asString, type Body } from '../json.ts';
import type { StreamReader } from '../reading.ts';
import { type Usage, unknownUsage } from '../usage.ts';
import type { WireFormat } from '../wire-format.ts';
import { readPlain } from './plain-answer.ts';
import { plainFormat } from './plain-format.ts';
import { readTokenUsage } from './token-usage.ts';
import { makeTypedEventReader } from './typed-events.ts';

/** `POST /v1/audio/speech`. Its answer is audio, or events that contain audio. */
export const speech: WireFormat = {
  ...plainFormat,
  path: '/audio/speech',
  read: readPlain,
  readStream: ({ body }) =>
    makeTypedEventReader({
      isOutput: (type) => type === 'speech.audio.delta',
      isLast: (type) => type === 'speech.audio.done',
      read: (_type, data) => ({ ...readPlain(null), usage: { ...readTokens(data.usage), ...readCharacters(body) } }),
    }),
  readBytes: makeReader,
};

function readTokens(value: unknown): Usage {
  const usage = readTokenUsage(value);
  return { ...usage, outputAudioTokens: usage.outputTokens };
}

/** Counts Unicode characters, not UTF-16 units. */
function readCharacters(body: Body): Pick<Usage, 'characters'> {
  const input = asString(body.input);
  if (input === null) return { characters: null };
  let characters = 0;
  for (const _ of input) characters += 1;
  return { characters };
}

/** Audio has no usage. The usage derives from the request, once all of the audio has arrived. */
function makeReader(body: Body): StreamReader {
  const partial = readPlain(null);
  let hasOutput = false;
  let hasEnded = false;
  return {
    read(chunk) {
      hasOutput = true;
      return chunk;
    },
    end() {
      hasEnded = true;
      return undefined;
    },
    reading: () => (hasEnded ? { ...partial, usage: { ...unknownUsage, ...readCharacters(body) } } : undefined),
    hasOutput: () => hasOutput,
    partial: () => partial,
    output: () => undefined,
    isBetweenEvents: () => false,
  };
}
