/**
 * Which fields of bodies and answers are no text. Guardrails read every other string, at any depth, so that a field that
 * a provider adds later is checked and not forgotten.
 */

/** Names, ids, choices among given words, and bytes: no model reads them as text. */
export const untextualFields: ReadonlySet<string> = new Set([
  'type',
  'role',
  'id',
  'object',
  'model',
  'models',
  'status',
  'phase',
  'finish_reason',
  'stop_reason',
  'native_finish_reason',
  'system_fingerprint',
  'service_tier',
  'voice',
  'size',
  'quality',
  'style',
  'background',
  'moderation',
  'language',
  'mime_type',
  'media_type',
  'response_format_type',
  'encoding_format',
  'output_format',
  'input_fidelity',
  'detail',
  'effort',
  'verbosity',
  'include',
  'modalities',
  'truncation',
  'tool_choice',
  'cache_control',
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'call_id',
  'response_id',
  'item_id',
  'tool_use_id',
  'tool_call_id',
  'file_id',
  'file_ids',
  'container_id',
  'vector_store_ids',
  'previous_response_id',
  'persona_id',
  'encrypted_content',
  'signature',
  'obfuscation',
  // Bytes, as base64.
  'file_data',
  'b64_json',
  'partial_image_b64',
  'embedding',
  // Tokens of a text that is checked beside them.
  'logprobs',
  'top_logprobs',
]);

/** Fields that have bytes or an address, and text only where the object beside them says so. */
export const mediaFields: ReadonlySet<string> = new Set(['data', 'image_url', 'file_url', 'url', 'audio', 'result']);

/** Fields whose string is itself JSON, and is read with its escapes. */
export const jsonTextFields: ReadonlySet<string> = new Set(['arguments', 'partial_json']);

/** Objects whose names the caller or the model chose, so that they are text, too. Numbers in them are values. */
export const freelyNamedFields: ReadonlySet<string> = new Set([
  'metadata',
  'variables',
  'attributes',
  'headers',
  'input',
]);

/** Lists of parts that a model reads as one text. */
export const joinedLists: ReadonlySet<string> = new Set(['content', 'output', 'system', 'summary']);

/** Lists of messages. Messages of one role that follow each other are read as one text, too. */
export const messageLists: ReadonlySet<string> = new Set(['messages', 'input', 'items']);

/** Fields that may have text as tokens, which are numbers: nothing can be found in them. */
export const tokenFields: ReadonlySet<string> = new Set(['prompt', 'input']);

/** What an answer has of its own; the other fields repeat the request. Operations without text in their answers are not listed. */
export const answerFields: Readonly<Record<string, readonly string[]>> = {
  chat: ['choices'],
  completions: ['choices'],
  responses: ['output', 'output_text'],
  compact: ['output'],
  messages: ['content'],
  realtime: ['output'],
  image_generations: ['data'],
  image_edits: ['data'],
  image_variations: ['data'],
  transcriptions: ['text', 'segments', 'words'],
  translations: ['text', 'segments', 'words'],
};
