import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type OpenAI from 'openai';
import { toFile } from 'openai';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { replaceFile } from '../directories.ts';
import { makeOpenAI } from '../openai.ts';
import { recordOf } from '../recorded-call.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const ownPrices = `
  prices:
    - {model: tts-1, charactersPerMillion: "15"}
    - {model: dall-e-3, images: [{size: 1024x1024, quality: hd, price: "0.08"}, {price: "0.04"}]}
`;

/** A call as the provider counted it. */
interface Billed {
  readonly id: string;
  readonly request_id: string;
  readonly endpoint: string;
  readonly status: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly images: number | null;
  readonly audio_seconds: number | null;
  readonly characters: number | null;
}

/** Each billed call of the OpenAI SDK, through the front door, and its record beside the provider's own account. */
describe('the record of', () => {
  const scope = suiteScope();
  let stack: Stack;
  let client: OpenAI;
  let database: Client;

  before(async () => {
    stack = await startStack(scope);
    const file = join(stack.directory, 'organization.yaml');
    const quickstart = await readFile(file, 'utf8');
    // Every model, and prices for those that the table does not know.
    await replaceFile(file, quickstart.replace(/ {2}# Any other model[\s\S]*$/, '') + ownPrices);
    client = makeOpenAI(stack);
    database = await connect(scope, stack.database.url);
    await until(() => client.moderations.create({ input: 'Hi' }).then(Boolean, () => false));
  });

  const readRecord = async (response: Response) => {
    const record = await recordOf(database, response.headers.get('x-request-id'));
    for (const name of ['input_tokens', 'output_tokens', 'total_tokens', 'audio_seconds', 'characters', 'cost_usd']) {
      record[name] = record[name] === null ? null : Number(record[name]);
    }
    return record;
  };
  const billOf = async (response: Response): Promise<Billed> => {
    const upstreamId = response.headers.get('x-upstream-request-id');
    const answer = await fetch(new URL('/sandbox/calls', stack.upstreamUrl));
    const { calls } = (await answer.json()) as { calls: Billed[] };
    return calls.find((call) => call.request_id === upstreamId) ?? assert.fail(`${upstreamId} was not billed`);
  };
  /** Fails unless the record has what the provider counted. @returns the record */
  const assertBilled = async (response: Response, units: readonly (keyof Billed)[]) => {
    const [record, bill] = [await readRecord(response), await billOf(response)];
    assert.equal(record.status, 'completed');
    assert.equal(bill.status, 'completed');
    for (const unit of units) assert.equal(record[unit], bill[unit], unit);
    return record;
  };
  const tokens = ['input_tokens', 'output_tokens'] as const;
  const wav = (seconds: number) => toFile(Buffer.alloc(seconds * 16_000, 'sound'), 'hello.wav', { type: 'audio/wav' });
  const image = (name: string) => toFile(Buffer.from('an image'), name, { type: 'image/png' });

  it('a completion, whole and streamed', async () => {
    const body = { model: 'gpt-3.5-turbo-instruct', prompt: 'Once upon a time' };
    const whole = await client.completions.create(body).withResponse();
    assert.match(whole.data.choices[0]?.text ?? '', /Once upon a time/);
    const record = await assertBilled(whole.response, tokens);
    assert.deepEqual([record.operation, record.response_id], ['completions', whole.data.id]);

    const streamed = await client.completions.create({ ...body, stream: true }).withResponse();
    let text = '';
    for await (const chunk of streamed.data) {
      assert.equal(chunk.usage, undefined, 'usage that the client did not ask for');
      text += chunk.choices[0]?.text ?? '';
    }
    assert.equal(text, whole.data.choices[0]?.text);
    const { is_stream, output_tokens } = await assertBilled(streamed.response, tokens);
    assert.deepEqual([is_stream, output_tokens], [true, record.output_tokens]);
  });

  it('a moderation, which is not billed', async () => {
    const { data, response } = await client.moderations.create({ input: ['Peace', 'Violence'] }).withResponse();
    assert.deepEqual(
      data.results.map(({ flagged }) => flagged),
      [false, true],
    );
    const record = await readRecord(response);
    assert.deepEqual(
      [record.operation, record.model, record.requested_model, record.total_tokens, record.cost_usd],
      ['moderations', 'omni-moderation-latest', null, null, null],
    );
  });

  it('a compaction', async () => {
    const { data, response } = await client.responses
      .compact({ model: 'gpt-4o', input: 'A long story' })
      .withResponse();
    assert.equal(data.object, 'response.compaction');
    const record = await assertBilled(response, tokens);
    assert.deepEqual([record.operation, record.response_id, record.cost_usd > 0], ['compact', data.id, true]);
  });

  it('images by their tokens', async () => {
    const body = { model: 'gpt-image-1', prompt: 'A house', n: 2, quality: 'low', size: '1024x1536' } as const;
    const { data, response } = await client.images.generate(body).withResponse();
    assert.equal(data.data?.length, 2);
    const record = await assertBilled(response, [...tokens, 'images']);
    assert.deepEqual(
      [record.operation, record.image_size, record.image_quality, record.output_image_tokens],
      ['image_generations', '1024x1536', 'low', '544'],
    );
    assert.equal(record.cost_usd, (2 * 5 + 544 * 40) / 1e6);
  });

  it('a streamed image', async () => {
    const body = { model: 'gpt-image-1', prompt: 'A house', partial_images: 2, stream: true } as const;
    const { data, response } = await client.images.generate(body).withResponse();
    const types: string[] = [];
    for await (const event of data) types.push(event.type);
    const partial = 'image_generation.partial_image';
    assert.deepEqual(types, [partial, partial, 'image_generation.completed']);
    const record = await assertBilled(response, [...tokens, 'images']);
    assert.deepEqual([record.is_stream, record.images, record.cost_usd], [true, 1, (2 * 5 + 1_056 * 40) / 1e6]);
  });

  it('an edited image, from a form', async () => {
    const images = [await image('one.png'), await image('two.png')];
    const body = { model: 'gpt-image-1', image: images, prompt: 'Mix them', quality: 'low' } as const;
    const whole = await client.images.edit(body).withResponse();
    const record = await assertBilled(whole.response, [...tokens, 'images']);
    assert.deepEqual(
      [record.operation, record.input_image_tokens, record.cost_usd],
      ['image_edits', '400', (2 * 5 + 400 * 10 + 272 * 40) / 1e6],
    );
    const streamed = await client.images.edit({ ...body, stream: true }).withResponse();
    for await (const event of streamed.data) assert.equal(event.type, 'image_edit.completed');
    const { is_stream, cost_usd } = await assertBilled(streamed.response, [...tokens, 'images']);
    assert.deepEqual([is_stream, cost_usd], [true, record.cost_usd]);
  });

  it('images by their number, size and quality', async () => {
    const cost = async (body: Partial<OpenAI.ImageGenerateParamsNonStreaming>) => {
      const call = client.images.generate({ model: 'dall-e-3', prompt: 'A house', ...body });
      return (await assertBilled((await call.withResponse()).response, ['images'])).cost_usd;
    };
    assert.equal(await cost({ size: '1024x1024', quality: 'hd', n: 2 }), 0.16);
    assert.equal(await cost({ size: '1792x1024', quality: 'hd' }), 0.04);
    const variation = await client.images.createVariation({ image: await image('a.png'), n: 2 }).withResponse();
    const record = await assertBilled(variation.response, ['images']);
    assert.deepEqual([record.images, record.requested_model, record.cost_usd], [2, null, null]);
  });

  it('speech by its characters', async () => {
    const body = { model: 'tts-1', voice: 'alloy', input: 'Grüße 🙂' } as const;
    const { data, response } = await client.audio.speech.create(body).withResponse();
    assert.equal((await data.arrayBuffer()).byteLength, 2 * 1_024);
    const record = await assertBilled(response, ['characters']);
    assert.deepEqual([record.operation, record.characters, record.cost_usd], ['speech', 7, (7 * 15) / 1e6]);
  });

  it('speech by its tokens, where events report them', async () => {
    const body = { model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'One two three' } as const;
    const events = await client.audio.speech.create({ ...body, stream_format: 'sse' }).withResponse();
    assert.match(await events.data.text(), /speech\.audio\.done/);
    const record = await assertBilled(events.response, [...tokens, 'characters']);
    assert.deepEqual([record.output_tokens, record.cost_usd], [60, (4 * 0.6 + 60 * 12) / 1e6]);

    const audio = await client.audio.speech.create(body).withResponse();
    await audio.data.arrayBuffer();
    const { total_tokens, cost_usd, characters } = await readRecord(audio.response);
    assert.deepEqual([total_tokens, cost_usd, characters], [null, null, 13]);
  });

  const formats: readonly (readonly [OpenAI.AudioResponseFormat, number | null, boolean])[] = [
    ['json', 90, true],
    ['verbose_json', 90, true],
    ['srt', 90, false],
    ['vtt', 90, false],
    ['text', null, false],
  ];
  for (const [format, seconds, isObject] of formats) {
    it(`a transcription by its length, as ${format}`, async () => {
      const body = { model: 'whisper-1', file: await wav(90), response_format: format };
      const { data, response } = await client.audio.transcriptions.create(body).withResponse();
      assert.match(isObject ? data.text : String(data), /hello\.wav, 90 s/);
      const record = await assertBilled(response, seconds === null ? [] : ['audio_seconds']);
      assert.deepEqual(
        [record.operation, record.audio_seconds, record.cost_usd],
        ['transcriptions', seconds, seconds === null ? null : 0.009],
      );
    });
  }

  it('a transcription by its tokens, whole and streamed', async () => {
    const body = { model: 'gpt-4o-transcribe', file: await wav(3), prompt: 'Be exact' } as const;
    const whole = await client.audio.transcriptions.create(body).withResponse();
    const record = await assertBilled(whole.response, tokens);
    const expected = (2 * 2.5 + 30 * 6 + record.output_tokens * 10) / 1e6;
    assert.deepEqual([record.input_audio_tokens, record.cost_usd], ['30', Number(expected.toFixed(12))]);

    const streamed = await client.audio.transcriptions
      .create({ ...body, file: await wav(3), stream: true })
      .withResponse();
    let text = '';
    for await (const event of streamed.data) if (event.type === 'transcript.text.delta') text += event.delta;
    assert.equal(text, whole.data.text);
    const { is_stream, cost_usd } = await assertBilled(streamed.response, tokens);
    assert.deepEqual([is_stream, cost_usd], [true, record.cost_usd]);
  });

  it('a translation, whose length is only in the verbose format', async () => {
    const translate = async (response_format: 'json' | 'verbose_json') => {
      const call = client.audio.translations.create({ model: 'whisper-1', file: await wav(60), response_format });
      return readRecord((await call.withResponse()).response);
    };
    const [short, long] = [await translate('json'), await translate('verbose_json')];
    assert.deepEqual([short.operation, short.audio_seconds, short.cost_usd], ['translations', null, null]);
    assert.deepEqual([long.audio_seconds, long.cost_usd], [60, 0.006]);
  });

  it('a cut stream of media, which is not billed', async () => {
    const faulty = { metadata: { sandbox: 'cut' } };
    const image = { model: 'gpt-image-1', prompt: 'A house', partial_images: 2, stream: true, ...faulty } as const;
    const transcript = { model: 'gpt-4o-transcribe', file: await wav(1), stream: true, ...faulty } as const;
    for (const start of [() => client.images.generate(image), () => client.audio.transcriptions.create(transcript)]) {
      const { data, response } = await start().withResponse();
      await assert.rejects(async () => {
        for await (const _ of data);
      });
      const record = await readRecord(response);
      assert.deepEqual(
        [record.status, record.error_code, record.total_tokens, record.images, record.cost_usd],
        ['failed', 'upstream_interrupted', null, null, null],
      );
      assert.equal((await billOf(response)).status, 'failed');
    }
  });

  it('a call without a model is refused where not every model is allowed', async () => {
    const file = join(stack.directory, 'organization.yaml');
    const spec = await readFile(file, 'utf8');
    await replaceFile(file, `${spec}\n  models: {deny: [gpt-5*]}\n`);
    const refusal = async (call: Promise<unknown>) =>
      call.then(
        () => 'served',
        (error: InstanceType<typeof OpenAI.APIError>) => `${error.status} ${error.code} ${error.param}`,
      );
    await until(async () => (await refusal(client.moderations.create({ input: 'Hi' }))) !== 'served');
    const refused = '403 model_not_allowed model';
    assert.equal(await refusal(client.moderations.create({ input: 'Hi' })), refused);
    assert.equal(await refusal(client.images.generate({ prompt: 'A house' })), refused);
    assert.equal(await refusal(client.images.createVariation({ image: await image('a.png') })), refused);
    const svg = { prompt: 'A house', model: 'gpt-image-1', svg: { model: 'gpt-5' } } as const;
    assert.equal(await refusal(client.images.generate(svg)), refused);
    assert.equal(await refusal(client.images.edit({ ...svg, image: await image('a.png') })), refused);
    const named = { model: 'omni-moderation-latest', input: 'Hi' };
    assert.equal(await refusal(client.moderations.create(named)), 'served');
    await replaceFile(file, spec);
  });
});
