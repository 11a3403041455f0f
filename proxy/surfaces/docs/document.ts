import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
import { maxLanguageLength } from '../../calls/identify/language.ts';
import { services } from '../../calls/identify/service.ts';
import { type ProblemCode, ProxyError, problems } from '../../error.ts';
import type { DescribedOperation, Origin } from '../../http/described.ts';
import type { Envelope } from '../../http/envelope.ts';
import type { RatePrefix } from '../../http/rates/request-rates.ts';
import type { Surface } from '../../http/surface.ts';
import type { SurfaceContext, SurfaceTable } from '../context.ts';

/** Of the rule that is nearest to its limit. Absent where no rule counts the call. */
const rateLimitHeaders = ['Requests', 'Tokens'].flatMap((unit) => [
  [`X-RateLimit-Limit-${unit}`, `${unit} that the tightest limit allows in its window.`],
  [`X-RateLimit-Remaining-${unit}`, `${unit} that are left of it.`],
  [`X-RateLimit-Reset-${unit}`, 'How long until it begins again, such as 1m30s.'],
]) as readonly (readonly [name: string, description: string])[];

/** Of a surface that counts requests. */
const requestRateHeaders = (prefix: RatePrefix): Readonly<Record<string, string>> => ({
  [`${prefix}-Limit`]: 'Requests that may be made in an hour; where it is not known who calls, wrong credentials.',
  [`${prefix}-Remaining`]: 'Requests that are left of it.',
  [`${prefix}-Reset`]: 'When it begins again, in seconds since 1970.',
});

const description = `The OpenAI API, governed, and what governs it.

A call is made by a user of an organization, in a session, with the organization's personas, models and keys, and
accounted for: every token and cent. Errors look like OpenAI's, so that each SDK raises its own exception class; \`code\`
says precisely what happened and stays the same.`;

/** What stands in the document once. */
const frame: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: { title: 'Chaperone', version: 'v1', description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
  servers: [{ url: '/', description: 'This proxy' }],
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
      optimizationLevel: {
        name: 'X-Optimization-Level',
        in: 'header',
        description: 'The model that an alias stands for, where the organization names one for each level.',
        schema: { type: 'string', enum: ['quality', 'balanced', 'speed'] },
      },
      idempotencyKey: {
        name: 'Idempotency-Key',
        in: 'header',
        description:
          'Makes the request run once: the same request with the same key gets the first answer again, for 24 hours.',
        schema: { type: 'string', minLength: 1, maxLength: 255 },
        example: '8e03978e-40d5-43dd-bc93-6894a57f9324',
      },
      turnId: {
        name: 'X-Turn-ID',
        in: 'header',
        description: 'Which calls are one turn of the session.',
        schema: { type: 'string', maxLength: 128 },
      },
      service: {
        name: 'X-Service',
        in: 'header',
        description: 'The part of a voice pipeline that the call is. Where it is absent, the path says it.',
        schema: { type: 'string', enum: [...services] },
      },
      language: {
        name: 'X-Language-Code',
        in: 'header',
        description: 'The language of the session, as a language tag.',
        schema: { type: 'string', maxLength: maxLanguageLength },
        example: 'hi-IN',
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
      provider: {
        description: 'The provider that answered the call, by its name in the Organization.',
        schema: { type: 'string' },
      },
      reviewItem: {
        description: 'The item of the review queue that has an answer that a guardrail holds, or has held.',
        schema: { type: 'string' },
      },
      accelBuffering: {
        description: '`no`: proxies in between are asked to pass events on as they come. There with events only.',
        schema: { type: 'string' },
      },
      attempts: { description: 'How many requests to providers the call took.', schema: { type: 'string' } },
      failedAttempts: {
        description: 'The failed requests before the one that was answered, each with its provider and its reason.',
        schema: { type: 'string' },
      },
      cache: {
        description: 'Whether the answer is from the cache: hit, miss or bypass. Absent without a cache.',
        schema: { type: 'string' },
      },
      age: {
        description: 'How many seconds ago a provider gave an answer from the cache.',
        schema: { type: 'string' },
      },
      conversationId: {
        description: 'The conversation that a text call belongs to. Absent where the caller keeps none.',
        schema: { type: 'string', format: 'uuid' },
      },
      branchId: {
        description: 'Its branch of the conversation: `main`, or `branch-` and eight digits.',
        schema: { type: 'string' },
      },
      maxOutputTokens: {
        description: 'The limit of output tokens, where a budget lowered it.',
        schema: { type: 'string' },
      },
      shortenedBy: { description: 'The budget that lowered it.', schema: { type: 'string' } },
      ...Object.fromEntries(
        [
          ...rateLimitHeaders,
          ...(['X-RateLimit', 'X-Rate-Limit'] as const).flatMap((prefix) => Object.entries(requestRateHeaders(prefix))),
        ].map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
      ),
    },
  },
};

const bodyProblems: readonly ProblemCode[] = ['invalid_json', 'request_too_large', 'overloaded'];

/** The part of a surface that decides how its operations are described. */
type Owner = Pick<Surface<never>, 'envelope' | 'mayLackUser' | 'countsRequests' | 'answersOnce'>;

/**
 * Makes the OpenAPI document of all surfaces, as JSON: from the schemas of their routes, and from what they describe
 * themselves. The routes are registered once more, on an application that serves nothing and is dropped.
 */
export async function makeDocument(context: SurfaceContext): Promise<string> {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  /** By method and path. */
  const owners = new Map<string, Owner>();
  const described: Record<string, Record<string, DescribedOperation>> = {};
  for (const surface of context.surfaces) {
    for (const [path, operations] of Object.entries((await surface.describe?.()) ?? {})) {
      described[path] = { ...described[path], ...operations };
      for (const method of Object.keys(operations)) owners.set(`${method} ${path}`, surface);
    }
  }
  await app.register(swagger, makeDocumentOptions(context.surfaces, described, owners));
  for (const surface of context.surfaces) {
    app.register(async (scope) => {
      scope.addHook('onRoute', ({ method, url }) => {
        owners.set(`${String(method).toLowerCase()} ${toDocumentPath(url)}`, surface);
      });
      await surface.register(scope.withTypeProvider<TypeBoxTypeProvider>(), context);
    });
  }
  await app.ready();
  return JSON.stringify(app.swagger());
}

/** As the document writes a route's path. A model's id may have slashes in it; a reader wants to see its name. */
function toDocumentPath(url: string): string {
  return url.replace('*', ':model').replaceAll(/:(\w+)/g, '{$1}');
}

const makeDocumentOptions = (
  surfaces: SurfaceTable,
  described: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>,
  owners: ReadonlyMap<string, Owner>,
): FastifyDynamicSwaggerOptions => ({
  hideUntagged: true,
  openapi: {
    ...frame,
    tags: surfaces.flatMap(({ tags = [] }) => tags),
    components: {
      ...frame.components,
      schemas: Object.fromEntries(surfaces.map(({ envelope: { name, schema } }) => [name, schema])),
    },
  },
  transform: ({ schema, url, route }) => {
    const {
      problems: own = [],
      origin = 'own',
      answers,
      roles,
      ...rest
    } = {
      answers: undefined,
      roles: undefined,
      ...schema,
    };
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
      'public_key_not_allowed',
      'origin_not_allowed',
      'user_inactive',
      ...own,
      'organization_deleted',
      'shutting_down',
    ];
    const more = {
      'x-problems': codes,
      'x-origin': origin,
      ...(answers && { 'x-answers': answers }),
      ...(roles && { 'x-roles': roles }),
    };
    return { schema: { ...rest, ...more }, url: url.replace('*', ':model') };
  },
  transformObject: (document) => {
    if (!('openapiObject' in document)) return document.swaggerObject;
    const { openapiObject } = document;
    const all: Record<string, object> = { ...structuredClone(described) };
    // A path may have a call and what is stored of it, such as `/batches`.
    for (const [path, operations] of Object.entries(openapiObject.paths ?? {}))
      all[path] = { ...all[path], ...operations };
    for (const [path, operations] of Object.entries(all)) {
      for (const [method, operation] of Object.entries(operations)) {
        complete(operation as DescribedOperation, owners.get(`${method} ${path}`) ?? surfaces[0], method);
      }
    }
    return { ...openapiObject, paths: all };
  },
});

/** Gives an operation the headers of every request, and an answer with an example for every way to be refused. */
function complete(operation: DescribedOperation, owner: Owner, method: string): void {
  const { envelope, countsRequests } = owner;
  const isOnce = owner.answersOnce === true && method === 'post';
  const { 'x-problems': codes = [], 'x-origin': origin = 'own', 'x-answers': answers = {}, responses } = operation;
  for (const field of ['x-problems', 'x-origin', 'x-answers']) Reflect.deleteProperty(operation, field);
  for (const [status, answer] of Object.entries(answers)) {
    const { content } = responses[status] ?? {};
    responses[status] = {
      ...responses[status],
      ...answer,
      ...(content && { content: { ...content, ...answer.content } }),
    };
  }
  operation.parameters = [
    ...(operation.parameters ?? []),
    { $ref: '#/components/parameters/userId' },
    { $ref: '#/components/parameters/sessionId' },
    ...(isOnce ? [{ $ref: '#/components/parameters/idempotencyKey' }] : []),
  ];
  const schema = { $ref: `#/components/schemas/${envelope.name}` };
  for (const [status, refused] of Map.groupBy(codesOf(codes, owner, isOnce), (code) => problems[code].status)) {
    responses[status] = {
      description: refused.map((code) => `\`${code}\``).join(', '),
      content: { 'application/json': { schema, examples: examplesOf(refused, envelope) } },
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
    const sendsEvents = origin === 'own' && Object.hasOwn(response.content ?? {}, 'text/event-stream');
    response.headers = {
      ...headersOf(origin, isSuccess, countsRequests),
      ...(sendsEvents && { 'X-Accel-Buffering': { $ref: '#/components/headers/accelBuffering' } }),
    };
  }
}

function codesOf(
  codes: readonly ProblemCode[],
  { mayLackUser, countsRequests }: Owner,
  isOnce: boolean,
): ReadonlySet<ProblemCode> {
  return new Set<ProblemCode>([
    ...(mayLackUser ? codes.filter((code) => code !== 'user_required') : codes),
    ...(countsRequests ? (['limit_reached'] as const) : []),
    ...(isOnce ? (['idempotency_key_reused', 'idempotency_in_progress'] as const) : []),
  ]);
}

function headersOf(origin: Origin, isSuccess: boolean, countsRequests?: RatePrefix): object {
  const reference = (name: string) => ({ $ref: `#/components/headers/${name}` });
  return {
    'X-Request-ID': reference('requestId'),
    'X-Session-ID': reference('sessionId'),
    ...(countsRequests &&
      Object.fromEntries(Object.keys(requestRateHeaders(countsRequests)).map((name) => [name, reference(name)]))),
    ...(origin === 'relayed' && {
      'X-Upstream-Request-ID': reference('upstreamRequestId'),
      'X-Chaperone-Provider': reference('provider'),
      'X-Chaperone-Attempts': reference('attempts'),
      'X-Chaperone-Failed-Attempts': reference('failedAttempts'),
      'X-Cache': reference('cache'),
      Age: reference('age'),
      'X-Conversation-ID': reference('conversationId'),
      'X-Branch-ID': reference('branchId'),
      'X-Chaperone-Max-Output-Tokens': reference('maxOutputTokens'),
      'X-Chaperone-Shortened-By': reference('shortenedBy'),
      'X-Chaperone-Review-Item': reference('reviewItem'),
      ...Object.fromEntries(rateLimitHeaders.map(([name]) => [name, reference(name)])),
    }),
    ...(origin === 'merged' && isSuccess && { 'X-Chaperone-Incomplete': reference('incomplete') }),
  };
}

function examplesOf(codes: readonly ProblemCode[], envelope: Envelope) {
  const requestId = 'req_019abcdef01234567890abcdef012345';
  return Object.fromEntries(codes.map((code) => [code, { value: envelope.show(new ProxyError(code), requestId) }]));
}
