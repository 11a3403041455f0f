import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Body } from '../../../../proxy/providers/json.ts';
import { imageGenerations as images } from '../../../../proxy/providers/openai/images.ts';
import { speech } from '../../../../proxy/providers/openai/speech.ts';
import { transcriptions } from '../../../../proxy/providers/openai/transcriptions.ts';
import { type Usage, unknownUsage } from '../../../../proxy/providers/usage.ts';
import type { WireFormat } from '../../../../proxy/providers/wire-format.ts';
import { chunked, cuts } from '../../calls/chunks.ts';

const answers: readonly (readonly [string, WireFormat, Body, unknown, Partial<Usage>])[] = [
  [
    'images, and what they were billed by',
    images,
    { size: 'auto', quality: 'auto', n: 2 },
    {
      data: [{}, {}],
      size: '1024x1024',
      quality: 'low',
      usage: {
        input_tokens: 50,
        input_tokens_details: { text_tokens: 10, image_tokens: 40 },
        output_tokens: 544,
        total_tokens: 594,
      },
    },
    {
      images: 2,
      imageSize: '1024x1024',
      imageQuality: 'low',
      inputTokens: 50,
      inputImageTokens: 40,
      outputTokens: 544,
      outputImageTokens: 544,
      totalTokens: 594,
    },
  ],
  [
    'an image and text beside it',
    images,
    {},
    {
      data: [{}],
      usage: { input_tokens: 1, output_tokens: 9, output_tokens_details: { image_tokens: 7, text_tokens: 2 } },
    },
    { images: 1, inputTokens: 1, outputTokens: 9, outputImageTokens: 7, totalTokens: 10 },
  ],
  [
    'images that say nothing of what was asked for',
    images,
    { size: '512x512', quality: 'hd' },
    { data: [{}] },
    { images: 1, imageSize: '512x512', imageQuality: 'hd' },
  ],
  [
    'an image that a second model wrote: its tokens have other prices',
    images,
    {},
    { data: [{}], usage: { input_tokens: 1, output_tokens: 2 }, svg_usage: { model: 'gpt-5', input_tokens: 3 } },
    { images: 1 },
  ],
  ['no images', images, { size: '1' }, { error: { code: 'moderation_blocked' } }, {}],
  ['no answer', images, { size: '1' }, null, {}],
  [
    'a transcription by tokens',
    transcriptions,
    {},
    {
      text: 'Hi',
      usage: {
        type: 'tokens',
        input_tokens: 14,
        input_token_details: { audio_tokens: 10 },
        output_tokens: 3,
        total_tokens: 17,
      },
    },
    { inputTokens: 14, inputAudioTokens: 10, outputTokens: 3, totalTokens: 17 },
  ],
  [
    'a transcription by duration',
    transcriptions,
    {},
    { text: '', usage: { type: 'duration', seconds: 9 } },
    { audioSeconds: 9 },
  ],
  ['a transcription that says how long it was', transcriptions, {}, { duration: 8.4700001 }, { audioSeconds: 8.47 }],
  [
    'a transcription of which usage and length differ',
    transcriptions,
    {},
    { duration: 8.47, usage: { type: 'duration', seconds: 9 } },
    { audioSeconds: 9 },
  ],
  ['a transcription of no length', transcriptions, {}, { duration: 0 }, { audioSeconds: 0 }],
  ['a transcription without an end', transcriptions, {}, { duration: 1e300 }, {}],
  ['a transcription of less than nothing', transcriptions, {}, { duration: -1 }, {}],
  ['speech that failed', speech, { input: 'Hi' }, { error: { type: 'invalid_request_error' } }, {}],
];
describe('the reading of', () => {
  for (const [what, operation, body, answer, usage] of answers) {
    test(what, () => assert.deepEqual(operation.read(answer, body).usage, { ...unknownUsage, ...usage }));
  }

  test('any answer is read as numbers that can be stored', () => {
    const operations = [images, speech, transcriptions];
    fc.assert(
      fc.property(fc.constantFrom(...operations), fc.jsonValue(), fc.jsonValue(), (operation, fields, counts) => {
        const answer = { ...Object(fields), usage: counts };
        for (const body of [{}, { input: counts, n: counts, size: counts }]) {
          for (const value of Object.values(operation.read(answer, body).usage)) {
            assert.ok(value === null || typeof value === 'string' || (Number.isFinite(value) && value >= 0));
          }
        }
      }),
    );
  });
});

const texts: readonly (readonly [string, string, number | null | undefined])[] = [
  ['srt', '1\n00:00:00,000 --> 00:00:04,100\nHi\n\n2\n00:00:04,100 --> 01:02:03,456\nBye\n', 3_723.456],
  ['vtt', 'WEBVTT\n\n00:00.000 --> 00:02.500\nHi\n', 2.5],
  ['vtt', 'WEBVTT\r\n\r\n100:00:00.000 --> 100:00:01.000\r\nHi\r\n', 360_001],
  ['vtt', 'WEBVTT\n', null],
  ['srt', '', null],
  ['text', '00:00.000 --> 00:02.500', null],
  ['json', 'Hi', undefined],
];
for (const [format, text, seconds] of texts) {
  test(`${JSON.stringify(text)} as ${format} lasted ${seconds ?? 'unknown'} seconds`, () => {
    assert.equal(transcriptions.readText?.(text, { response_format: format })?.usage.audioSeconds, seconds);
  });
}

type Event = readonly [type: string, fields: object];
const streams: readonly (readonly [string, WireFormat, Body, readonly Event[], Partial<Usage> | string | undefined])[] =
  [
    [
      'an image in parts',
      images,
      {},
      [
        ['image_generation.partial_image', { b64_json: 'QQ==' }],
        [
          'image_generation.completed',
          { b64_json: 'QUE=', size: '1x1', usage: { input_tokens: 5, output_tokens: 6, total_tokens: 11 } },
        ],
      ],
      { images: 1, imageSize: '1x1', inputTokens: 5, outputTokens: 6, outputImageTokens: 6, totalTokens: 11 },
    ],
    [
      'two images',
      images,
      { n: 2 },
      [
        ['image_edit.completed', { usage: { input_tokens: 5, output_tokens: 6, total_tokens: 11 } }],
        ['image_edit.completed', { usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 } }],
      ],
      { images: 2, inputTokens: 6, outputTokens: 8, outputImageTokens: 8, totalTokens: 14 },
    ],
    ['one of two images', images, { n: 2 }, [['image_edit.completed', {}]], undefined],
    ['two images asked for in a form', images, { n: '2' }, [['image_edit.completed', {}]], undefined],
    [
      'a transcription',
      transcriptions,
      {},
      [
        ['transcript.text.delta', { delta: 'transcript.text.done' }],
        ['transcript.text.done', { text: 'Hi', usage: { input_tokens: 7, output_tokens: 1, total_tokens: 8 } }],
      ],
      { inputTokens: 7, outputTokens: 1, totalTokens: 8 },
    ],
    [
      'speech',
      speech,
      { input: 'é🙂' },
      [
        ['speech.audio.delta', { audio: 'QQ==' }],
        ['speech.audio.done', { usage: { input_tokens: 2, output_tokens: 30, total_tokens: 32 } }],
      ],
      { characters: 2, inputTokens: 2, outputTokens: 30, outputAudioTokens: 30, totalTokens: 32 },
    ],
    ['speech that breaks off', speech, { input: 'Hi' }, [['speech.audio.delta', { audio: 'QQ==' }]], undefined],
    ['an error', images, {}, [['error', { error: { code: 'server_error' } }]], 'server_error'],
    [
      'an error without a name',
      transcriptions,
      {},
      [['', { error: { type: 'rate_limit_exceeded' } }]],
      'rate_limit_exceeded',
    ],
    ['nothing that is known', speech, { input: 'Hi' }, [['speech.audio.new', { text: 'x' }]], undefined],
  ];
describe('the reading of a stream of', () => {
  for (const [what, operation, body, events, expected] of streams) {
    test(`${what}, with or without event names, wherever its chunks break`, () => {
      fc.assert(
        fc.property(cuts, fc.boolean(), (at, named) => {
          const text = events.map(([type, fields]) => {
            const data = JSON.stringify({ ...(type !== '' && { type }), ...fields });
            return `${named && type !== '' ? `event: ${type}\n` : ''}data: ${data}\n\n`;
          });
          const bytes = Buffer.from(text.join(''));
          const reader = operation.readStream({ hideUsage: false, keepOutput: true, body });
          const passed = chunked(bytes, at).map((chunk) => reader.read(chunk) ?? Buffer.alloc(0));
          assert.ok(Buffer.concat(passed).equals(bytes), 'it passes byte for byte');
          if (typeof expected === 'string') {
            assert.deepEqual([reader.reading()?.failed, reader.reading()?.errorCode], [true, expected]);
          } else assert.deepEqual(reader.reading()?.usage, expected && { ...unknownUsage, ...expected });
          assert.equal(reader.output(), undefined);
        }),
        { numRuns: 20 },
      );
    });
  }
});

test('speech in bytes ends with its message, and is billed by the text of the request', () => {
  const reader = speech.readBytes?.({ input: 'a☃🙂' }) ?? assert.fail();
  assert.equal(reader.hasOutput(), false);
  const bytes = Buffer.from([0, 255, 10, 10]);
  assert.equal(reader.read(bytes), bytes);
  assert.deepEqual([reader.hasOutput(), reader.reading(), reader.partial().usage], [true, undefined, unknownUsage]);
  reader.end?.();
  assert.deepEqual(reader.reading()?.usage, { ...unknownUsage, characters: 3 });
  assert.equal(reader.isBetweenEvents(), false);
});
