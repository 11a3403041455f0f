import { apiKey } from './api-key.ts';
import type { Dialect } from './dialect.ts';
import type { EventStream, Generation, StreamEvent } from './generation.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { models } from './models.ts';
import { ProviderError } from './provider-error.ts';

/** Azure's API: OpenAI's below `/openai`, with keys, deployments, filters and errors of its own. */
export const azureDialect: Dialect = {
  apiKey(request) {
    const key = request.headers['api-key'];
    return typeof key === 'string' && key !== '' ? key : apiKey(request);
  },
  requireHeaders(request) {
    if (azureDialect.apiKey(request) !== null) return;
    const message =
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.';
    throw new ProviderError(message, { status: 401 });
  },
  headers: (requestId) => ({
    'x-request-id': requestId,
    'apim-request-id': requestId,
    'x-ms-region': 'Sandbox Central',
  }),
  envelope: ({ status, message, code, param }) => ({
    // The gateway before Azure's models knows no codes but those of HTTP.
    error: {
      code: status === 400 || status === 404 ? (code ?? String(status)) : String(status),
      message,
      param,
      type: null,
    },
  }),
  modelOf: modelOfDeployment,
  complete: (generation) => ({ ...generation, answer: withFilters(generation.answer) }),
};

export function isAzure(url: string): boolean {
  return url.startsWith('/openai/');
}

/** What a request to Azure asks for, as OpenAI has it. */
export interface AzurePlace {
  readonly pathname: string;
  /** Undefined where the body names the deployment. */
  readonly deployment: string | undefined;
}

/**
 * Reads the address of a request: `/openai/v1/…`, `/openai/deployments/NAME/…`, or `/openai/…`. All but the first need
 * an api-version.
 *
 * @throws ProviderError 404
 */
export function readAzurePlace(pathname: string, query: URLSearchParams): AzurePlace {
  const [, v1] = /^\/openai\/v1(\/.+)$/.exec(pathname) ?? [];
  if (v1 !== undefined) return { pathname: `/v1${v1}`, deployment: undefined };
  const [, name, rest] = /^\/openai\/deployments\/([^/]+)(\/.+)$/.exec(pathname) ?? [];
  if (!/^20\d\d-\d\d-\d\d(-preview)?$/.test(query.get('api-version') ?? ''))
    throw new ProviderError('Resource not found', { status: 404 });
  if (name !== undefined) return { pathname: `/v1${rest}`, deployment: decodeURIComponent(name) };
  return { pathname: pathname.replace('/openai', '/v1'), deployment: undefined };
}

/** A deployment has the name of its model, or one that ends with it after a hyphen: `prod-gpt-4o`. */
function modelOfDeployment(name: string): string {
  const [found] = [...models.keys()]
    .filter((id) => name === id || name.endsWith(`-${id}`))
    .sort((one, other) => other.length - one.length);
  if (found !== undefined) return found;
  const message =
    'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.';
  throw new ProviderError(message, { status: 404, code: 'DeploymentNotFound' });
}

const passed = { filtered: false, severity: 'safe' };
const filterResults = { hate: passed, self_harm: passed, sexual: passed, violence: passed };
const promptResults = [{ prompt_index: 0, content_filter_results: filterResults }];

/** Adds what Azure's filters say to answers with choices. */
function withFilters(answer: Generation['answer']): Generation['answer'] {
  if (answer.kind === 'whole') {
    const { body } = answer;
    if (!Array.isArray(body.choices)) return answer;
    return { ...answer, body: { ...filtered(body), prompt_filter_results: promptResults } };
  }
  return answer.kind === 'stream' ? { ...answer, stream: streamWithFilters(answer.stream) } : answer;
}

/** The first event of such a stream tells of the prompt alone: it has no choices, and neither id nor model. */
function streamWithFilters(stream: EventStream): EventStream {
  function* events(): Iterable<StreamEvent> {
    let isFirst = true;
    for (const event of stream.events()) {
      const hasChoices = Array.isArray(event.data.choices);
      const first = { choices: [], created: 0, id: '', model: '', object: '', prompt_filter_results: promptResults };
      if (isFirst && hasChoices) yield { part: 'opening', data: first };
      isFirst = false;
      yield hasChoices ? { ...event, data: filtered(event.data) } : event;
    }
  }
  return { ...stream, events };
}

function filtered(data: JsonObject): JsonObject {
  const choices = Array.isArray(data.choices) ? data.choices : [];
  return {
    ...data,
    choices: choices.map((choice) =>
      isJsonObject(choice) ? { ...choice, content_filter_results: filterResults } : choice,
    ),
  };
}
