import { codePointAt, isHighSurrogate } from './characters.ts';
import { DetectorConfigError } from './config-error.ts';
import type { Detector, Match, Progress, TextStream } from './detector.ts';

export interface SizeConfig {
  readonly detector: 'size';
  /** Unicode characters (code points). */
  readonly maxCharacters?: number;
  /** Bytes of UTF-8. */
  readonly maxBytes?: number;
  /** Estimated: bytes divided by `bytesPerToken`. */
  readonly maxTokens?: number;
  /** 4, if absent, as in English prose. */
  readonly bytesPerToken?: number;
}

const defaultBytesPerToken = 4;

interface Limits {
  readonly characters: number;
  readonly bytes: number;
  readonly tokenBytes: number;
}

/**
 * Finds the character at which a text becomes longer than it may be. There is at most one match. A stream holds nothing
 * back.
 * @throws {DetectorConfigError}
 */
export function makeSizeDetector(config: SizeConfig): Detector {
  const { maxCharacters, maxBytes, maxTokens, bytesPerToken = defaultBytesPerToken } = config;
  if (maxCharacters === undefined && maxBytes === undefined && maxTokens === undefined) {
    throw new DetectorConfigError('maxCharacters', 'or maxBytes or maxTokens must be there');
  }
  for (const [field, value] of Object.entries({ maxCharacters, maxBytes, maxTokens, bytesPerToken })) {
    if (value !== undefined && !(value > 0)) throw new DetectorConfigError(field, 'must be greater than 0');
  }
  const limits: Limits = {
    characters: maxCharacters ?? Infinity,
    bytes: maxBytes ?? Infinity,
    tokenBytes: (maxTokens ?? Infinity) * bytesPerToken,
  };
  return {
    name: 'size',
    kinds: ['characters', 'bytes', 'tokens'],
    maxHeldBack: 1,
    scan: (text) => {
      const stream = openSizeStream(limits);
      return [...stream.push(text).matches, ...stream.end().matches];
    },
    openStream: () => openSizeStream(limits),
  };
}

function openSizeStream(limits: Limits): TextStream {
  let characters = 0;
  let bytes = 0;
  /** UTF-16 units. */
  let position = 0;
  let half = '';
  let isExceeded = false;

  const count = (text: string): Progress => {
    const matches: Match[] = [];
    for (let index = 0; index < text.length && !isExceeded; ) {
      const codePoint = codePointAt(text, index);
      const units = codePoint > 0xffff ? 2 : 1;
      characters += 1;
      bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
      const kind = findExceeded(limits, characters, bytes);
      if (kind !== undefined) {
        matches.push({ start: position + index, end: position + index + units, kind });
        isExceeded = true;
      }
      index += units;
    }
    position += text.length;
    return { settledUpTo: position, matches };
  };

  return {
    push: (text) => {
      const all = half + text;
      half = isHighSurrogate(all.charCodeAt(all.length - 1)) ? all.slice(-1) : '';
      return count(half === '' ? all : all.slice(0, -1));
    },
    end: () => {
      const rest = half;
      half = '';
      return count(rest);
    },
  };
}

function findExceeded(limits: Limits, characters: number, bytes: number): string | undefined {
  if (characters > limits.characters) return 'characters';
  if (bytes > limits.bytes) return 'bytes';
  return bytes > limits.tokenBytes ? 'tokens' : undefined;
}
