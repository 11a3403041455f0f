import { asCount, asObject, asString, type Body } from '../json.ts';
import type { Reading, StreamReader } from '../reading.ts';
import { type Usage, unknownUsage } from '../usage.ts';
import type { WireFormat } from '../wire-format.ts';
import { readPlain } from './plain-answer.ts';
import { plainFormat } from './plain-format.ts';
import { readTokenUsage } from './token-usage.ts';
import { makeTypedEventReader } from './typed-events.ts';

/** `POST /v1/images/generations`, `/edits` and `/variations`. */
export const imageGenerations = imageFormat('/images/generations');
export const imageEdits = imageFormat('/images/edits');
export const imageVariations = imageFormat('/images/variations');

function imageFormat(path: string): WireFormat {
  return { ...plainFormat, path, read: readImages, readStream: ({ body }) => makeReader(body) };
}

function readImages(answer: unknown, body: Body): Reading {
  const read = readPlain(answer);
  const object = asObject(answer);
  if (read.failed || !object) return read;
  // A second model wrote the SVG, and its tokens have other prices.
  const usage = object.svg_usage == null ? readTokens(object.usage) : unknownUsage;
  const images = Array.isArray(object.data) ? object.data.length : null;
  return { ...read, usage: { ...usage, images, ...readKind(object, body) } };
}

/** The properties that an image's price depends on, from the answer, else from the request. */
function readKind(answer: Body, body: Body): Pick<Usage, 'imageSize' | 'imageQuality'> {
  return {
    imageSize: asString(answer.size) ?? asString(body.size),
    imageQuality: asString(answer.quality) ?? asString(body.quality),
  };
}

function readTokens(value: unknown): Usage {
  const usage = asObject(value);
  const read = readTokenUsage(usage);
  const output = asObject(usage?.output_tokens_details);
  return {
    ...read,
    inputImageTokens: asCount(asObject(usage?.input_tokens_details)?.image_tokens),
    // Without details, all tokens count as image tokens.
    outputImageTokens: output ? asCount(output.image_tokens) : read.outputTokens,
  };
}

/** A stream has one event for each image that is complete. */
function makeReader(body: Body): StreamReader {
  const asked = Number(body.n ?? 1);
  let usage: Usage = unknownUsage;
  return makeTypedEventReader({
    isOutput: (type) => type.endsWith('.partial_image') || type.endsWith('.completed'),
    isLast: (type) => type.endsWith('.completed'),
    read(_type, data) {
      usage = addImage(usage, readTokens(data.usage));
      if ((usage.images ?? 0) < asked) return undefined;
      return { ...readPlain(null), usage: { ...usage, ...readKind(data, body) } };
    },
  });
}

const tokenCounts = ['inputTokens', 'outputTokens', 'totalTokens', 'inputImageTokens', 'outputImageTokens'] as const;

function addImage(before: Usage, image: Usage): Usage {
  if (before.images === null) return { ...image, images: 1 };
  const sums = tokenCounts.map((count) => {
    const [sum, more] = [before[count], image[count]];
    return [count, sum === null || more === null ? null : sum + more];
  });
  return { ...before, ...Object.fromEntries(sums), images: before.images + 1 };
}
