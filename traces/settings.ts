import type { Attributes } from './span.ts';

/** Where spans go, and which. */
export interface TraceSettings {
  /** The address that takes spans by OTLP/HTTP, with its path. */
  readonly url: string;
  /** For the receiver, such as a credential. */
  readonly headers: Readonly<Record<string, string>>;
  /** The share of traces that begin here and are recorded: 0 to 1. */
  readonly ratio: number;
  /** Whether the caller's decision counts for a trace that begins elsewhere. */
  readonly followsParents: boolean;
  readonly timeoutMs: number;
}

/** What the environment says, by the names of OpenTelemetry's SDKs. */
export interface TraceEnvironment {
  /** Undefined: it names no receiver. */
  readonly settings: TraceSettings | undefined;
  /** `service.name`, if it names one. */
  readonly service: string | undefined;
  /** Further facts about this process. */
  readonly resource: Attributes;
  /** Why nothing is exported although the environment asks for it. Undefined: nothing is wrong. */
  readonly problem: string | undefined;
}

const defaultTimeoutMs = 10_000;
const path = 'v1/traces';

/**
 * Reads the standard environment variables. What cannot be used is a problem to report: the variables may be meant for
 * other programs, so they never end this one.
 *
 * @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function readTraceEnvironment(environment: NodeJS.ProcessEnv): TraceEnvironment {
  const variable = (name: string) => environment[name]?.trim() || undefined;
  const ofTraces = (name: string) =>
    variable(`OTEL_EXPORTER_OTLP_TRACES_${name}`) ?? variable(`OTEL_EXPORTER_OTLP_${name}`);
  const { 'service.name': named, ...resource } = readList(variable('OTEL_RESOURCE_ATTRIBUTES'));
  const service = variable('OTEL_SERVICE_NAME') ?? named;
  const base = { service, resource, problem: undefined, settings: undefined };
  const own = variable('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const shared = variable('OTEL_EXPORTER_OTLP_ENDPOINT');
  const endpoint = own ?? shared;
  if (endpoint === undefined || variable('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return base;
  const exporter = variable('OTEL_TRACES_EXPORTER') ?? 'otlp';
  if (exporter === 'none') return base;
  const wrong = (problem: string): TraceEnvironment => ({ ...base, problem: `No traces are exported: ${problem}` });
  if (exporter !== 'otlp')
    return wrong(`OTEL_TRACES_EXPORTER must be otlp or none, and is ${JSON.stringify(exporter)}`);
  const protocol = ofTraces('PROTOCOL') ?? 'http/json';
  if (!protocol.startsWith('http/'))
    return wrong(`OTEL_EXPORTER_OTLP_PROTOCOL must be http/json, and is ${JSON.stringify(protocol)}`);
  const url = URL.parse(endpoint);
  if (!url || !/^https?:$/.test(url.protocol))
    return wrong('OTEL_EXPORTER_OTLP_ENDPOINT must be a URL such as http://collector:4318');
  const sampling = readSampler(variable('OTEL_TRACES_SAMPLER'), variable('OTEL_TRACES_SAMPLER_ARG'));
  if (typeof sampling === 'string') return wrong(sampling);
  const timeoutMs = Number(ofTraces('TIMEOUT') ?? defaultTimeoutMs);
  return {
    ...base,
    settings: {
      url: own === undefined ? urlOfTraces(endpoint) : url.href,
      headers: readList(ofTraces('HEADERS')),
      ...sampling,
      timeoutMs: timeoutMs > 0 ? timeoutMs : defaultTimeoutMs,
    },
  };
}

/** @param endpoint the base URL of a receiver, such as http://collector:4318 */
export function urlOfTraces(endpoint: string): string {
  return new URL(path, endpoint.endsWith('/') ? endpoint : `${endpoint}/`).href;
}

/** @returns what is wrong, where it cannot be used */
function readSampler(
  sampler = 'parentbased_always_on',
  argument: string | undefined,
): Pick<TraceSettings, 'ratio' | 'followsParents'> | string {
  const followsParents = sampler.startsWith('parentbased_');
  const kind = sampler.replace(/^parentbased_/, '');
  if (kind === 'always_on') return { ratio: 1, followsParents };
  if (kind === 'always_off') return { ratio: 0, followsParents };
  if (kind !== 'traceidratio')
    return `OTEL_TRACES_SAMPLER must be always_on, always_off or traceidratio, perhaps after parentbased_, and is ${JSON.stringify(sampler)}`;
  const ratio = Number(argument ?? 1);
  if (ratio >= 0 && ratio <= 1) return { ratio, followsParents };
  return 'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1';
}

/** Reads `name=value` pairs with commas between them; values are URL-encoded. What is none of that is left out. */
function readList(text: string | undefined): Record<string, string> {
  const pairs = (text ?? '').split(',').flatMap((pair) => {
    const [, name, value = ''] = /^\s*([^=\s]+)\s*=(.*)$/.exec(pair) ?? [];
    return name === undefined ? [] : [[name, decode(value.trim())] as const];
  });
  return Object.fromEntries(pairs);
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
