import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { type ProblemCode, problems } from '../../error.ts';
import { typeOf } from '../openai/envelope.ts';
import { describeStored } from './stored.ts';

declare module 'fastify' {
  interface FastifySchema {
    /** How it can be refused, beside what every route like it can be refused for. */
    problems?: readonly ProblemCode[];
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
        description: 'Groups calls. Where it is absent, a session is begun, and its id returned.',
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
      sessionId: { description: 'The session that it belongs to.', schema: { type: 'string' } },
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

/** An operation of the document, as far as it is completed here. */
interface Operation {
  readonly 'x-problems'?: readonly ProblemCode[];
  parameters?: object[];
  responses: Record<string, { description?: string; headers?: object; content?: object }>;
}

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
    const { problems: own = [], ...rest } = { ...schema, ...stored };
    const codes: readonly ProblemCode[] = [
      'invalid_request',
      'invalid_header',
      'headers_too_large',
      'request_timeout',
      ...(rest.body ? (['invalid_json', 'request_too_large', 'unsupported_encoding', 'overloaded'] as const) : []),
      'user_required',
      'invalid_credentials',
      'issuer_unavailable',
      'user_inactive',
      ...own,
      'organization_deleted',
      'shutting_down',
    ];
    // A model's id may have slashes in it; a reader wants to see its name.
    return { schema: { ...rest, 'x-problems': codes }, url: url.replace('*', ':model') };
  },
  transformObject: (document) => {
    if (!('openapiObject' in document)) return document.swaggerObject;
    const { openapiObject } = document;
    const all: Record<string, object> = { ...structuredClone(paths) };
    // A path may have a call and what is stored of it, such as `/batches`.
    for (const [path, operations] of Object.entries(openapiObject.paths ?? {}))
      all[path] = { ...all[path], ...operations };
    for (const path of Object.values(all)) {
      for (const operation of Object.values(path)) complete(operation as Operation);
    }
    return { ...openapiObject, paths: all };
  },
});

/** Gives an operation the headers of every call, and an answer with an example for every way to be refused. */
function complete(operation: Operation): void {
  const { 'x-problems': codes = [], responses } = operation;
  Reflect.deleteProperty(operation, 'x-problems');
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
  for (const [status, response] of Object.entries(responses)) {
    const isSuccess = status.startsWith('2');
    if (isSuccess && (response.description ?? 'Default Response') === 'Default Response') {
      response.description = status === '201' ? 'Created' : 'OK';
    }
    response.headers = {
      'X-Request-ID': { $ref: '#/components/headers/requestId' },
      ...(isSuccess && { 'X-Session-ID': { $ref: '#/components/headers/sessionId' } }),
    };
  }
}

function examplesOf(codes: readonly ProblemCode[], status: number) {
  const examples = codes.map((code) => {
    const error = { message: problems[code].message, type: typeOf(status), param: null, code };
    return [code, { value: { error } }] as const;
  });
  return Object.fromEntries(examples);
}
