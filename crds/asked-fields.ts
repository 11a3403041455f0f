/**
 * By which fields each operation says what it asks a model for. Ceilings, defaults and budgets read and set them by this
 * one table. test/crds/asked-fields.test.ts compares it with the types of the SDKs.
 */

/** Bounds of the tokens of an answer. Of several, the first is set where none is stated. Others than these have no tokens. */
export const outputTokenFields: Readonly<Record<string, readonly string[]>> = {
  responses: ['max_output_tokens'],
  compact: [],
  chat: ['max_completion_tokens', 'max_tokens'],
  completions: ['max_tokens'],
  messages: ['max_tokens'],
  realtime: ['max_output_tokens'],
};

/** Operations that take a `temperature`. */
export const temperatureOperations: readonly string[] = [
  'responses',
  'chat',
  'completions',
  'messages',
  'transcriptions',
  'translations',
];

/** Operations whose providers take a temperature of 1 where none is stated. Recent versions of Messages take none at all. */
export const warmOperations: readonly string[] = ['responses', 'chat', 'completions'];

/** Operations with images whose detail can be stated, and the fields that have them. */
export const imageFields: Readonly<Record<string, readonly string[]>> = {
  responses: ['input', 'prompt'],
  compact: ['input'],
  chat: ['messages'],
};

/** Operations that give tools to a model. */
export const toolOperations: readonly string[] = ['responses', 'compact', 'chat', 'messages', 'realtime'];

/** Fields that give tools to a model. Their spelling must be exact, since some readers take another one for the same. */
export const toolFields: readonly string[] = ['tools', 'functions', 'mcp_servers', 'web_search_options'];

/** What an Organization may state a default for. */
export type DefaultName = 'temperature' | 'topP' | 'maxOutputTokens' | 'reasoningEffort' | 'serviceTier' | 'store';

/** Where each operation says it, as a path. An operation that is not listed has no such field. */
export const defaultFields: Readonly<Record<DefaultName, Readonly<Record<string, readonly string[]>>>> = {
  temperature: { responses: ['temperature'], chat: ['temperature'], completions: ['temperature'] },
  topP: { responses: ['top_p'], chat: ['top_p'], completions: ['top_p'] },
  maxOutputTokens: {
    responses: ['max_output_tokens'],
    chat: ['max_completion_tokens'],
    completions: ['max_tokens'],
    messages: ['max_tokens'],
    realtime: ['max_output_tokens'],
  },
  reasoningEffort: {
    responses: ['reasoning', 'effort'],
    chat: ['reasoning_effort'],
    messages: ['output_config', 'effort'],
  },
  serviceTier: { responses: ['service_tier'], chat: ['service_tier'], messages: ['service_tier'] },
  store: { responses: ['store'], chat: ['store'] },
};
