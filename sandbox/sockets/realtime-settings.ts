import { isJsonObject, type JsonObject } from '../json.ts';

export const inputDefaults: JsonObject = {
  format: { type: 'audio/pcm', rate: 24_000 },
  noise_reduction: null,
  transcription: null,
  turn_detection: {
    ...{ type: 'server_vad', threshold: 0.5, prefix_padding_ms: 300, silence_duration_ms: 500 },
    ...{ create_response: true, interrupt_response: true },
  },
};

export const sessionDefaults: JsonObject = {
  object: 'realtime.session',
  type: 'realtime',
  instructions: '',
  output_modalities: ['audio'],
  max_output_tokens: 'inf',
  tools: [],
  tool_choice: 'auto',
  tracing: null,
};

/** Objects are merged field by field; everything else is replaced. */
export function merge(into: JsonObject, changes: JsonObject): JsonObject {
  const merged = { ...into };
  for (const [name, value] of Object.entries(changes)) {
    const before = merged[name];
    merged[name] = isJsonObject(value) && isJsonObject(before) ? merge(before, value) : value;
  }
  return merged;
}
