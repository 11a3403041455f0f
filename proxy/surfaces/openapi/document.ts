import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { type ProblemCode, problems } from '../../error.ts';
import { typeOf } from '../openai/envelope.ts';
import type { DescribedOperation, Origin } from './operation.ts';
import { describeStored } from './stored.ts';

declare module 'fastify' {
  interface FastifySchema {
    /** How it can be refused, beside what every route like it can be refused for. */
    problems?: readonly ProblemCode[];
    /** Whose its answer is; its own where absent. */
    origin?: Origin;
    hide?: boolean;
    tags?: readonly string[];
    summary?: string;
    description?: string;
  }
}

const description = `The OpenAI API, governed, and what governs it.

A call is made by a user of an organization, in a session, with the organization's personas, models and keys, and
accounted for: every token and cent. Errors look like OpenAI's, so that each SDK raises its own exception class; \`code\`
says precisely what happened and stays the same.`;

/** What stands in the document once. */
const frame: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: { title: 'Chaperone', version: 'v1', description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
  servers: [{ url: '/', description: 'This proxy' }],
  tags: [
    { name: 'Calls', description: 'What goes to the provider, and is accounted for.' },
    { name: 'Stored', description: 'What the provider keeps: answers, conversations, files, batches, vector stores.' },
    { name: 'Models', description: 'What the organization allows.' },
    { name: 'Personas', description: 'System prompts to be used again.' },
    { name: 'Analysis', description: 'Classifies conversations: intent, sentiment, topic, or categories of your own.' },
    { name: 'Ratings', description: 'What users think of answers.' },
    { name: 'Analytics', description: 'What was used, by whom, and what it cost.' },
    { name: 'Users', description: 'Who calls.' },
  ],
  security: [{ token: [] }, { key: [] }, { dashboardKey: [] }],
  components: {
    securitySchemes: {
      token: {
        type: 'http',
        scheme: 'bearer',
        description:
          'A token of the organization (`chaperone token`, or an issuer’s that it accepts), or a key `chp_…`.',
      },
      key: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The same credential.' },
      dashboardKey: { type: 'apiKey', in: 'header', name: 'X-Dashboard-Key', description: 'The same credential.' },
    },
    parameters: {
      userId: {
        name: 'X-User-ID',
        in: 'header',
        description: 'Your own id of the user. Needed unless the credential names one; a new one becomes a user.',
        schema: { type: 'string', maxLength: 255 },
        example: 'user@example.com',
      },
      sessionId: {
        name: 'X-Session-ID',
        in: 'header',
        description:
          'Groups calls. Where it is absent, a session is begun, or inferred as the organization says, and its id returned.',
        schema: { type: 'string', maxLength: 128 },
      },
      responseFormat: {
        name: 'X-Response-Format',
        in: 'header',
        description: '`simple` answers with `content[0].text`, in events too; `openai` with the provider’s own shape.',
        schema: { type: 'string', enum: ['openai', 'simple'] },
      },
    },
    headers: {
      requestId: { description: 'The id of this request.', schema: { type: 'string' } },
      sessionId: {
        description: 'The session that it belongs to. There as soon as it is known who calls.',
        schema: { type: 'string' },
      },
      upstreamRequestId: {
        description: 'The provider’s own id of the request, where it gave one. Its other headers pass, too.',
        schema: { type: 'string' },
      },
      incomplete: {
        description: 'The providers that could not be asked, by commas. What they have is not in the list.',
        schema: { type: 'string' },
      },
    },
    schemas: {
      Error: {
        type: 'object',
        required: ['error'],
        properties: {
          error: {
            type: 'object',
            required: ['message', 'type', 'param', 'code'],
            properties: {
              message: { type: 'string' },
              type: { type: 'string' },
              param: { type: ['string', 'null'], description: 'The field or header that it is about.' },
              code: {
                type: ['string', 'null'],
                description: 'What happened. Errors of the provider’s pass as they are.',
              },
            },
          },
        },
      },
    },
  },
};

const bodyProblems: readonly ProblemCode[] = ['invalid_json', 'request_too_large', 'overloaded'];

/**
 * The document's options: each route's schema, and what all of them have in common.
 *
 * @param paths operations that do not come by Fastify
 * @param prefix where the surface is, such as `/v1`
 */
export const makeDocumentOptions = (
  paths: Readonly<Record<string, object>>,
  prefix: string,
): FastifyDynamicSwaggerOptions => ({
  hideUntagged: true,
  openapi: frame,
  transform: ({ schema, url, route }) => {
    const stored = describeStored(String(route.method), url.slice(prefix.length));
    const { problems: own = [], origin = 'own', answers, ...rest } = { answers: undefined, ...schema, ...stored };
    const codes: readonly ProblemCode[] = [
      'invalid_request',
      'invalid_header',
      'headers_too_large',
      'request_timeout',
      'unsupported_encoding',
      // A body that nobody asked for is read, too.
      ...(route.method === 'GET' ? [] : bodyProblems),
      'user_required',
      'user_mismatch',
      'user_not_allowed',
      'invalid_credentials',
      'issuer_unavailable',
      'user_inactive',
      ...own,
      'organization_deleted',
      'shutting_down',
    ];
    // A model's id may have slashes in it; a reader wants to see its name.
    const described = { 'x-problems': codes, 'x-origin': origin, ...(answers && { 'x-answers': answers }) };
    return { schema: { ...rest, ...described }, url: url.replace('*', ':model') };
  },
  transformObject: (document) => {
    if (!('openapiObject' in document)) return document.swaggerObject;
    const { openapiObject } = document;
    const all: Record<string, object> = { ...structuredClone(paths) };
    // A path may have a call and what is stored of it, such as `/batches`.
    for (const [path, operations] of Object.entries(openapiObject.paths ?? {}))
      all[path] = { ...all[path], ...operations };
    for (const path of Object.values(all)) {
      for (const operation of Object.values(path)) complete(operation as DescribedOperation);
    }
    return { ...openapiObject, paths: all };
  },
});

/** Gives an operation the headers of every call, and an answer with an example for every way to be refused. */
function complete(operation: DescribedOperation): void {
  const { 'x-problems': codes = [], 'x-origin': origin = 'own', 'x-answers': answers = {}, responses } = operation;
  for (const field of ['x-problems', 'x-origin', 'x-answers']) Reflect.deleteProperty(operation, field);
  Object.assign(responses, answers);
  operation.parameters = [
    ...(operation.parameters ?? []),
    { $ref: '#/components/parameters/userId' },
    { $ref: '#/components/parameters/sessionId' },
  ];
  for (const [status, refused] of Map.groupBy(new Set(codes), (code) => problems[code].status)) {
    responses[status] = {
      description: refused.map((code) => `\`${code}\``).join(', '),
      content: {
        'application/json': { schema: { $ref: '#/components/schemas/Error' }, examples: examplesOf(refused, status) },
      },
    };
  }
  if (origin === 'relayed') responses.default = { description: 'An error of the provider’s, as it came.' };
  for (const [status, response] of Object.entries(responses)) {
    const isSuccess = status.startsWith('2');
    if (isSuccess && (response.description ?? 'Default Response') === 'Default Response') {
      response.description = status === '201' ? 'Created' : 'OK';
    }
    // Of what providers answer the schema is theirs.
    if (isSuccess && origin !== 'own') response.content ??= { 'application/json': {} };
    response.headers = headersOf(origin, isSuccess);
  }
}

function headersOf(origin: Origin, isSuccess: boolean): object {
  const reference = (name: string) => ({ $ref: `#/components/headers/${name}` });
  return {
    'X-Request-ID': reference('requestId'),
    'X-Session-ID': reference('sessionId'),
    ...(origin === 'relayed' && { 'X-Upstream-Request-ID': reference('upstreamRequestId') }),
    ...(origin === 'merged' && isSuccess && { 'X-Chaperone-Incomplete': reference('incomplete') }),
  };
}

function examplesOf(codes: readonly ProblemCode[], status: number) {
  const examples = codes.map((code) => {
    const error = { message: problems[code].message, type: typeOf(status), param: null, code };
    return [code, { value: { error } }] as const;
  });
  return Object.fromEntries(examples);
}
