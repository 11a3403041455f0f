import type { RequestRecord } from '../../../database/requests.ts';
import type { Attributes, Double } from '../../../traces/span.ts';
import type { OperationName } from '../../providers/operation-name.ts';
import type { Provider, RoutedKey } from '../../snapshot/snapshot.ts';
import type { TracedCall } from './call-trace.ts';

/**
 * What the spans of a call say: OpenTelemetry's names for generative AI and HTTP, and `chaperone.*` for the rest.
 *
 * @see https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md
 */
const conventional: Readonly<Partial<Record<OperationName, string>>> = {
  chat: 'chat',
  responses: 'chat',
  compact: 'chat',
  messages: 'chat',
  realtime: 'chat',
  completions: 'text_completion',
};

/** The conventions' name for an operation, else our own. */
export function genAiOperation(operation: OperationName): string {
  return conventional[operation] ?? operation;
}

/** What is known of a call as soon as it is admitted. */
export function askedAttributes(model: string | undefined, { provider }: RoutedKey): Attributes {
  return {
    'gen_ai.provider.name': genAiProvider(provider),
    'gen_ai.request.model': model,
    'chaperone.provider': provider.name,
  };
}

/** @param before how many requests to providers the call has made before this one */
export function attemptAttributes(
  { id, provider }: RoutedKey,
  path: string,
  model: string | undefined,
  before: number,
): Attributes {
  const { protocol, hostname, port } = new URL(provider.origin);
  return {
    'http.request.method': 'POST',
    'http.request.resend_count': before === 0 ? undefined : before,
    'url.path': provider.basePath + path,
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
    'gen_ai.provider.name': genAiProvider(provider),
    'gen_ai.request.model': model,
    'chaperone.provider': provider.name,
    'chaperone.api_key_id': id,
  };
}

/** What is known of a call at its end, without anything that somebody said. */
export function callAttributes(call: TracedCall, record: RequestRecord): Attributes {
  const { body } = call;
  const isStream = call.isStream();
  return {
    ...askedAttributes(record.requested_model ?? undefined, call.key),
    'chaperone.provider': record.provider,
    'gen_ai.request.stream': isStream || undefined,
    'gen_ai.request.max_tokens': whole(body.max_completion_tokens ?? body.max_output_tokens ?? body.max_tokens),
    'gen_ai.request.temperature': fraction(body.temperature),
    'gen_ai.request.top_p': fraction(body.top_p),
    'gen_ai.request.frequency_penalty': fraction(body.frequency_penalty),
    'gen_ai.request.presence_penalty': fraction(body.presence_penalty),
    'gen_ai.request.seed': whole(body.seed),
    'gen_ai.request.choice.count': body.n === 1 ? undefined : whole(body.n),
    'gen_ai.response.id': record.response_id,
    'gen_ai.response.model': record.model,
    'gen_ai.response.time_to_first_chunk':
      record.time_to_first_token_ms === null ? undefined : { double: record.time_to_first_token_ms / 1_000 },
    ...usageAttributes(record),
    'gen_ai.conversation.id': record.conversation_id,
    'session.id': record.session_id,
    'enduser.pseudo.id': record.user_id,
    'chaperone.kind': record.kind,
    'chaperone.status': record.status,
    'chaperone.cost_usd': record.cost_usd === null ? undefined : { double: Number(record.cost_usd) },
    'chaperone.persona_id': record.persona_id,
    'chaperone.model_alias': record.model_alias,
    'chaperone.cache': record.cache_status,
    'chaperone.guardrails': record.guardrail_hits,
  };
}

function usageAttributes(record: RequestRecord): Attributes {
  return {
    'gen_ai.usage.input_tokens': record.input_tokens,
    'gen_ai.usage.output_tokens': record.output_tokens,
    'gen_ai.usage.cache_read.input_tokens': record.cached_input_tokens,
    'gen_ai.usage.cache_creation.input_tokens': record.cache_write_tokens,
    'gen_ai.usage.reasoning.output_tokens': record.reasoning_tokens,
    'gen_ai.usage.audio.input_tokens': record.input_audio_tokens,
    'gen_ai.usage.audio.output_tokens': record.output_audio_tokens,
    'gen_ai.usage.image.input_tokens': record.input_image_tokens,
  };
}

/** The conventions' name for a provider; a server of any other kind has its name in the Organization. */
function genAiProvider({ type, name }: Provider): string {
  if (type === 'azure') return 'azure.ai.openai';
  return type === 'compatible' ? name : type;
}

function whole(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? Number(value) : undefined;
}

function fraction(value: unknown): Double | undefined {
  return typeof value === 'number' ? { double: value } : undefined;
}
