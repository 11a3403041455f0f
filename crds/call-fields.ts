/**
 * The one list of the fields of a call's body that govern it or name what is kept at a provider. Every check reads it:
 * calls, forms, lines of batches, relayed requests, and the parameters of personas.
 */

/** What something at a provider is, where a body names it. */
export type ReferredKind = 'response' | 'file' | 'vector_store' | 'conversation' | 'container' | 'item';

/** Fields that name things: by an id, or a list of ids. */
export const referringFields: Readonly<Record<string, ReferredKind>> = {
  previous_response_id: 'response',
  previous_message_id: 'response',
  comparison_response_id: 'response',
  file_id: 'file',
  file_ids: 'file',
  input_file_id: 'file',
  vector_store_id: 'vector_store',
  vector_store_ids: 'vector_store',
  conversation: 'conversation',
  container: 'container',
  container_id: 'container',
  approval_request_id: 'item',
};

/** Fields whose object names a thing by its `id`. */
export const identifiedFields: Readonly<Record<string, ReferredKind>> = {
  conversation: 'conversation',
  container: 'container',
  // What a model said before.
  audio: 'item',
};

/** Fields that say what a call is: who answers, what is asked, and what becomes of the answer. */
export const governingFields: readonly string[] = [
  'model',
  'models',
  'svg',
  'tools',
  'stream',
  'stream_options',
  'background',
  'persona_id',
  'instructions',
  'input',
  'items',
  'messages',
  'prompt',
  'endpoint',
  'system',
  'fallbacks',
  'definition',
];

/** Lists at the top of a body whose entries name an item at the provider, unless they say all of themselves. */
export const itemLists: readonly string[] = ['input', 'items'];

/**
 * Where an item of each type says what it is. Of the others a part is at the provider alone, who finds it by the id.
 */
export const itemContents: Readonly<Record<string, string>> = {
  message: 'content',
  function_call: 'arguments',
  function_call_output: 'output',
  custom_tool_call: 'input',
  custom_tool_call_output: 'output',
  computer_call_output: 'output',
  local_shell_call_output: 'output',
  shell_call_output: 'output',
  apply_patch_call_output: 'status',
  reasoning: 'encrypted_content',
  compaction: 'encrypted_content',
};

/** What is read of an item, or of an object that names a thing by its id. */
export const itemFields: readonly string[] = [...new Set(['id', 'type', ...Object.values(itemContents)])];

/** The caller's own words, a schema, or what an answer said of its sources: nothing in it refers or governs. */
export const opaqueFields: readonly string[] = [
  'metadata',
  'attributes',
  'parameters',
  'schema',
  'input_schema',
  'input_examples',
  'properties',
  'annotations',
  'headers',
];

/** Fields with tools, or with models that may answer instead: each names a model by its field `model`. */
export const namingFields: readonly string[] = ['tools', 'svg', 'fallbacks', 'definition'];

/** Parts of a message with the input of a tool, which the model and the tool have named. */
export const toolInputs: readonly string[] = ['tool_use', 'server_tool_use', 'mcp_tool_use'];

/** Objects whose fields the caller names, so that a name says nothing. Their values are read as all others. */
export const namedByCaller: readonly string[] = ['variables'];

/**
 * What a persona may not set, beside what refers: the persona has a field of its own for it, or each call says it itself.
 * Tools are allowed as long as they name no model and nothing that is kept at a provider.
 */
export const reservedParameters: readonly string[] = governingFields.filter((field) => field !== 'tools');
