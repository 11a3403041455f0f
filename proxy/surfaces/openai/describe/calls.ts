import type { ProblemCode } from '../../../error.ts';
import type { DescribedOperation } from '../../../http/described.ts';
import type { Operation } from '../../../operations/operation.ts';
import type { OperationName } from '../../../providers/operation-name.ts';

interface Description {
  readonly summary: string;
  /** The page of the vendor's reference that tells the rest: a call's body is the provider's to judge. */
  readonly reference: string;
  readonly example: Readonly<Record<string, unknown>>;
  /** What it answers with, beside events. */
  readonly answers: string;
  readonly streams?: true;
  readonly takesPersona?: true;
}

const reference = 'https://platform.openai.com/docs/api-reference';
const json = 'application/json';

const descriptions: Readonly<Record<OperationName, Description>> = {
  responses: {
    summary: 'Create a response',
    reference: `${reference}/responses/create`,
    example: {
      model: 'gpt-4o',
      input: 'Hello, how can you help me?',
      persona_id: '123e4567-e89b-12d3-a456-426614174000',
    },
    answers: json,
    streams: true,
    takesPersona: true,
  },
  compact: {
    summary: 'Compact a conversation',
    reference: `${reference}/responses/compact`,
    example: { model: 'gpt-4o', input: [{ role: 'user', content: 'A long conversation' }] },
    answers: json,
    takesPersona: true,
  },
  batches: {
    summary: 'Create a batch',
    reference: `${reference}/batch/create`,
    example: { input_file_id: 'file-abc123', endpoint: '/v1/responses', completion_window: '24h' },
    answers: json,
  },
  chat: {
    summary: 'Create a chat completion',
    reference: `${reference}/chat/create`,
    example: { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello!' }] },
    answers: json,
    streams: true,
    takesPersona: true,
  },
  messages: {
    summary: 'Create a message',
    reference: 'https://platform.claude.com/docs/en/api/messages/create',
    example: { model: 'claude-sonnet-4-5', max_tokens: 1024, messages: [{ role: 'user', content: 'Hello!' }] },
    answers: json,
    streams: true,
    takesPersona: true,
  },
  completions: {
    summary: 'Create a completion (legacy)',
    reference: `${reference}/completions/create`,
    example: { model: 'gpt-3.5-turbo-instruct', prompt: 'Say this is a test', max_tokens: 7 },
    answers: json,
    streams: true,
  },
  embeddings: {
    summary: 'Create embeddings',
    reference: `${reference}/embeddings/create`,
    example: { model: 'text-embedding-3-small', input: 'The food was delicious' },
    answers: json,
  },
  moderations: {
    summary: 'Classify for moderation',
    reference: `${reference}/moderations/create`,
    example: { model: 'omni-moderation-latest', input: 'I want to thank you.' },
    answers: json,
  },
  image_generations: {
    summary: 'Create images',
    reference: `${reference}/images/create`,
    example: { model: 'gpt-image-1', prompt: 'A cute baby sea otter', size: '1024x1024' },
    answers: json,
    streams: true,
  },
  image_edits: {
    summary: 'Edit images',
    reference: `${reference}/images/createEdit`,
    example: { model: 'gpt-image-1', prompt: 'Add a hat', image: '(file)' },
    answers: json,
    streams: true,
  },
  image_variations: {
    summary: 'Vary an image',
    reference: `${reference}/images/createVariation`,
    example: { model: 'dall-e-2', image: '(file)' },
    answers: json,
  },
  speech: {
    summary: 'Speak a text',
    reference: `${reference}/audio/createSpeech`,
    example: { model: 'gpt-4o-mini-tts', input: 'Today is a wonderful day.', voice: 'alloy' },
    answers: 'audio/*',
    streams: true,
  },
  transcriptions: {
    summary: 'Transcribe audio',
    reference: `${reference}/audio/createTranscription`,
    example: { model: 'gpt-4o-transcribe', file: '(file)' },
    answers: json,
    streams: true,
  },
  realtime: {
    summary: 'Open a session of the Realtime API',
    reference: `${reference}/realtime`,
    example: { model: 'gpt-realtime' },
    answers: json,
    takesPersona: true,
  },
  translations: {
    summary: 'Translate audio into English',
    reference: `${reference}/audio/createTranslation`,
    example: { model: 'whisper-1', file: '(file)' },
    answers: json,
  },
};

const problems: readonly ProblemCode[] = [
  'invalid_request',
  'invalid_header',
  'headers_too_large',
  'request_timeout',
  'invalid_json',
  'user_required',
  'invalid_credentials',
  'issuer_unavailable',
  'user_mismatch',
  'user_not_allowed',
  'surface_not_allowed',
  'model_not_allowed',
  'ceiling_exceeded',
  'tool_not_allowed',
  'no_api_key',
  'user_inactive',
  'organization_deleted',
  'request_too_large',
  'unsupported_encoding',
  'overloaded',
  // Of what the body refers to.
  'previous_response_not_found',
  'resource_not_found',
  'store_unavailable',
  'limit_reached',
  'insufficient_quota',
  'quota_unavailable',
  'guardrail_blocked',
  'answer_held',
  'guardrail_unavailable',
  'not_cached',
  'spool_full',
  'spool_unwritable',
  'shutting_down',
  'upstream_unreachable',
  'upstream_timeout',
  'upstream_no_credential',
  'upstream_interrupted',
  'upstream_invalid_response',
];

const personaId = {
  type: ['string', 'null'],
  description: 'The persona whose text becomes the instructions, in the place of those in the body. Not sent upstream.',
};

/** Parameters of the document that every call may have, beside those of every request. */
const headersOfCalls = ['turnId', 'service', 'language', 'optimizationLevel'];

/** The calls' part of the document: they have no routes. */
export function describeCalls(prefix: string, operations: readonly Operation[]): Record<string, object> {
  return Object.fromEntries(operations.map((operation) => [prefix + operation.path, { post: describe(operation) }]));
}

function describe({
  name,
  modelIsOptional,
  required,
  takesForm,
}: Operation): DescribedOperation & Readonly<Record<string, unknown>> {
  const { summary, reference: page, example, answers, streams, takesPersona } = descriptions[name];
  const isRequired = [...(modelIsOptional || takesPersona ? [] : ['model']), ...required];
  const schema = {
    type: 'object',
    ...(isRequired.length > 0 && { required: isRequired }),
    properties: {
      model: { type: 'string', description: 'One that the organization allows.' },
      ...(takesPersona && { persona_id: personaId }),
      ...(streams && { stream: { type: ['boolean', 'string', 'null'], description: 'Answer in events.' } }),
    },
    additionalProperties: true,
    example,
  };
  const content = { [takesForm ? 'multipart/form-data' : json]: { schema } };
  return {
    tags: ['Calls'],
    summary,
    description: `The body and the answer are the provider’s: see [its reference](${page}). Fields that are not named here pass as they are.`,
    operationId: name,
    requestBody: { required: true, content },
    parameters: [...headersOfCalls, ...(name === 'responses' ? ['responseFormat'] : [])].map((parameter) => ({
      $ref: `#/components/parameters/${parameter}`,
    })),
    responses: {
      200: {
        description: streams ? 'The answer; events where the body asks for a stream.' : 'The answer.',
        content: { [answers]: {}, ...(streams && { 'text/event-stream': {} }) },
      },
    },
    'x-origin': 'relayed',
    'x-problems': [...problems, takesPersona ? 'persona_not_found' : 'persona_not_supported'],
  };
}

/** The sessions over WebSockets, which begin with a GET request. */
export function describeSessions(prefix: string): Record<string, object> {
  const query = (name: string, description: string) => ({ name, in: 'query', schema: { type: 'string' }, description });
  const realtime = [
    query('model', 'One that the organization allows.'),
    query('intent', '`transcription`, in place of a model: the session only transcribes.'),
    query('persona_id', personaId.description),
  ];
  return {
    [`${prefix}/realtime`]: { get: describeSession('realtime', descriptions.realtime.summary, realtime) },
    [`${prefix}/responses`]: { get: describeSession('responses', 'Make responses over a WebSocket', []) },
  };
}

function describeSession(
  name: 'realtime' | 'responses',
  summary: string,
  parameters: object[],
): DescribedOperation & Readonly<Record<string, unknown>> {
  const { reference: page } = descriptions[name];
  return {
    tags: ['Calls'],
    summary,
    description: `A WebSocket, whose events are the provider’s: see [its reference](${page}). Each response in it is a call of its own.`,
    operationId: name === 'realtime' ? name : `${name}_session`,
    parameters,
    responses: { 101: { description: 'The session is open.' } },
    'x-origin': 'relayed',
    'x-problems': [...problems, 'persona_not_found', 'session_expired', 'websocket_required'],
  };
}
