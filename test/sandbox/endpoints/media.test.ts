import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { until } from '../../until.ts';
import { errorIn, openSandbox } from '../open-sandbox.ts';

const wav = (bytes: number) => toFile(Buffer.alloc(bytes), 'a.wav');

test('speech is the same for the same words, whole and in events, and is billed by characters', async (t) => {
  const { openai, calls } = await openSandbox(t);
  const body = { model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'Hello hello 🙂' } as const;
  const audio = await openai.audio.speech.create(body);
  assert.equal(audio.headers.get('content-type'), 'audio/mpeg');
  const bytes = Buffer.from(await audio.arrayBuffer());
  assert.equal(bytes.length, 3 * 1_024);
  const events = await (await openai.audio.speech.create({ ...body, stream_format: 'sse' })).text();
  const heard = [...events.matchAll(/"audio":"([^"]+)"/g)].map(([, text]) => Buffer.from(text ?? '', 'base64'));
  assert.ok(Buffer.concat(heard).equals(bytes));
  const [first] = await calls();
  assert.deepEqual([first?.endpoint, first?.characters, first?.output_tokens], ['/v1/audio/speech', 13, 60]);
  const tooLong = { ...body, input: 'x'.repeat(4_097) };
  await assert.rejects(openai.audio.speech.create(tooLong), OpenAI.BadRequestError);
  const asEvents = { ...body, model: 'tts-1', stream_format: 'sse' } as const;
  await assert.rejects(openai.audio.speech.create(asEvents), OpenAI.BadRequestError);
});

test('speech is cut, and comes piece by piece, on demand', async (t) => {
  const { post, calls } = await openSandbox(t);
  const body = { model: 'tts-1', voice: 'alloy', input: 'Hi', metadata: { sandbox: 'words=100,cut' } };
  const answer = await post('/audio/speech', body);
  await assert.rejects(answer.arrayBuffer());
  await until(async () => (await calls())[0]?.status === 'failed');
  assert.equal((await calls())[0]?.characters, null);
});

test('a transcription has its duration in every format that can have one', async (t) => {
  const { openai } = await openSandbox(t);
  const transcribe = async (response_format: OpenAI.AudioResponseFormat) =>
    openai.audio.transcriptions.create({ model: 'whisper-1', file: await wav(40_000), response_format });
  const text = '[sandbox whisper-1] Instructions: none. You said: a.wav, 3 s';
  assert.deepEqual(await transcribe('json'), { text, usage: { type: 'duration', seconds: 3 } });
  assert.equal(String(await transcribe('text')), `${text}\n`);
  assert.equal(String(await transcribe('srt')), `1\n00:00:00,000 --> 00:00:03,000\n${text}\n\n`);
  assert.equal(String(await transcribe('vtt')), `WEBVTT\n\n00:00.000 --> 00:00:03.000\n${text}\n\n`);
  const verbose: object = await transcribe('verbose_json');
  assert.equal('duration' in verbose && verbose.duration, 3);
});

test('a form is logged by its fields, and its files by their distinguishing facts', async (t) => {
  const { openai, callsUrl, calls } = await openSandbox(t);
  await openai.images.edit({ model: 'gpt-image-1', prompt: 'Mix', image: [await wav(1), await wav(2)], n: 2 });
  const [call] = await calls();
  const kept = (await fetch(`${callsUrl}/${call?.id}`).then((answer) => answer.json())) as { body: string };
  const { files, ...fields } = JSON.parse(kept.body);
  assert.deepEqual(fields, { model: 'gpt-image-1', prompt: 'Mix', n: 2 });
  assert.deepEqual(
    files.map(({ field, name, bytes }: Record<string, unknown>) => [field, name, bytes]),
    [
      ['image[]', 'a.wav', 1],
      ['image[]', 'a.wav', 2],
    ],
  );
  assert.deepEqual([call?.images, call?.output_tokens], [2, 2 * 1_056]);
});

test('refusals raise the right class', async (t) => {
  const { openai, post } = await openSandbox(t);
  const image = await wav(1);
  await assert.rejects(openai.images.generate({ model: 'gpt-4o', prompt: 'x' }), OpenAI.NotFoundError);
  await assert.rejects(
    openai.audio.speech.create({ model: 'whisper-1', voice: 'a', input: 'x' }),
    OpenAI.NotFoundError,
  );
  await assert.rejects(openai.completions.create({ model: 'gpt-4o', prompt: 'x' }), OpenAI.NotFoundError);
  await assert.rejects(openai.moderations.create({ model: 'none', input: 'x' }), OpenAI.NotFoundError);
  const streamed = { model: 'dall-e-3', image, prompt: 'x', stream: true } as const;
  await assert.rejects(openai.images.edit(streamed), OpenAI.BadRequestError);
  const unread = await post('/audio/transcriptions', 'x', { headers: { 'content-type': 'multipart/form-data' } });
  assert.deepEqual([unread.status, (await errorIn(unread)).message], [400, 'Could not parse multipart form.']);
  const noFile = await post('/audio/transcriptions', { model: 'whisper-1' });
  assert.deepEqual([noFile.status, (await errorIn(noFile)).param], [400, 'file']);
});
