import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type DefaultName,
  defaultFields,
  imageFields,
  outputTokenFields,
  temperatureOperations,
  toolFields,
  toolOperations,
} from '../../crds/asked-fields.ts';

const modules = join(import.meta.dirname, '..', '..', 'node_modules');

/** Where each operation's parameters are in the types of the SDKs: the file, and the interface. */
const places: Readonly<Record<string, readonly [file: string, name: string]>> = {
  responses: ['openai/resources/responses/responses.d.ts', 'ResponseCreateParamsBase'],
  compact: ['openai/resources/responses/responses.d.ts', 'ResponseCompactParams'],
  chat: ['openai/resources/chat/completions/completions.d.ts', 'ChatCompletionCreateParamsBase'],
  completions: ['openai/resources/completions.d.ts', 'CompletionCreateParamsBase'],
  transcriptions: ['openai/resources/audio/transcriptions.d.ts', 'TranscriptionCreateParamsBase'],
  translations: ['openai/resources/audio/translations.d.ts', 'TranslationCreateParams'],
  speech: ['openai/resources/audio/speech.d.ts', 'SpeechCreateParams'],
  embeddings: ['openai/resources/embeddings.d.ts', 'EmbeddingCreateParams'],
  moderations: ['openai/resources/moderations.d.ts', 'ModerationCreateParams'],
  images: ['openai/resources/images.d.ts', 'ImageGenerateParamsBase'],
  realtime: ['openai/resources/realtime/realtime.d.ts', 'RealtimeResponseCreateParams'],
  messages: ['@anthropic-ai/sdk/resources/messages/messages.d.ts', 'MessageCreateParamsBase'],
};

/** The fields at the top of an operation's body. */
function fieldsOf(operation: string): string[] {
  const [file = '', name = ''] = places[operation] ?? [];
  const text = readFileSync(join(modules, file), 'utf8');
  const start = text.search(new RegExp(`export interface ${name}[ <]`));
  assert.ok(start > 0, `${name} is not in ${file}`);
  const body = text.slice(start, text.indexOf('\n}\n', start));
  return [...body.matchAll(/^ {4}(\w+)\??:/gm)].map(([, field = '']) => field);
}

const operations = Object.keys(places);

test('every bound of an answer’s tokens in the types of the SDKs is in the list', () => {
  for (const operation of operations) {
    const found = fieldsOf(operation).filter((field) => /^max_\w*tokens$/.test(field));
    assert.deepEqual(found.sort(), [...(outputTokenFields[operation] ?? [])].sort(), operation);
  }
});

test('every operation with a temperature is in the list', () => {
  // The types of Messages no longer have it, but its first version takes one.
  const having = operations.filter(
    (operation) => fieldsOf(operation).includes('temperature') || operation === 'messages',
  );
  assert.deepEqual(having.sort(), [...temperatureOperations].sort());
});

test('every operation with tools is in the list, with all fields that have some', () => {
  const having = operations.filter((operation) => fieldsOf(operation).some((field) => toolFields.includes(field)));
  // Items that a compaction gets may add tools.
  assert.deepEqual(new Set([...having, 'compact']), new Set(toolOperations));
});

test('defaults and images are in fields that the types have', () => {
  for (const places of Object.values(defaultFields) satisfies (typeof defaultFields)[DefaultName][]) {
    for (const [operation, [field = '']] of Object.entries(places)) {
      assert.ok(fieldsOf(operation).includes(field), `${operation}: ${field}`);
    }
  }
  for (const [operation, fields] of Object.entries(imageFields)) {
    for (const field of fields) assert.ok(fieldsOf(operation).includes(field), `${operation}: ${field}`);
  }
});
