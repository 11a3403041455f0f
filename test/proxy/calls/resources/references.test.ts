import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseFormReferences } from '../../../../proxy/calls/resources/references.ts';
import { ProxyError } from '../../../../proxy/error.ts';

const textFields: readonly Readonly<Record<string, unknown>>[] = [
  { model: 'gpt-image-1', prompt: 'A cat', n: '1', size: '1024x1024', 'svg[model]': 'gpt-4o' },
  { model: 'whisper-1', prompt: 'Names', language: 'en', 'timestamp_granularities[]': 'word' },
  { model: 'gpt-4o-transcribe', 'include[]': 'logprobs', 'chunking_strategy[type]': 'server_vad' },
  { 'known_speaker_names[]': ['ada', 'bob'], 'known_speaker_references[]': ['data:audio/wav;base64,AA'] },
  { voice: 'alloy', audio: 'text', constructor: 'x' },
];
for (const texts of textFields) {
  test(`a form may have the fields ${Object.keys(texts).join(', ')}`, () => refuseFormReferences(texts));
}

const references = [
  'file',
  'image',
  'image[]',
  'images[0]',
  'image[file_id]',
  'mask',
  'mask.file_id',
  'file_id',
  'voice[id]',
  'File_ID',
  'Image[0][fileId]',
  'MASK',
];
for (const name of references) {
  test(`a form may not have the text field ${name}`, () => {
    assert.throws(
      () => refuseFormReferences({ prompt: 'A cat', [name]: 'file-1' }),
      (error) => error instanceof ProxyError && error.code === 'invalid_request' && error.param === name,
    );
  });
}
