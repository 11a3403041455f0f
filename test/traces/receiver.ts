import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd, type Scope } from '../scope.ts';

type Value = string | number | boolean | readonly string[];

/** A span as a receiver reads it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startNano: bigint;
  readonly endNano: bigint;
  readonly attributes: Readonly<Record<string, Value>>;
  /** 2: it failed. */
  readonly status: { readonly code?: number; readonly message?: string };
  readonly resource: Readonly<Record<string, Value>>;
}

export interface Delivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly spans: readonly ReceivedSpan[];
}

/** Takes spans by OTLP over HTTP as JSON. */
export interface SpanReceiver {
  /** Its base URL. */
  readonly url: string;
  readonly deliveries: Delivery[];
  /** The spans of all deliveries that were answered with 200. */
  readonly spans: ReceivedSpan[];
  /** Answers a delivery. Absent: with 200. */
  answer: ((response: ServerResponse, delivery: Delivery) => void) | undefined;
}

export async function startSpanReceiver(scope: Scope): Promise<SpanReceiver> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const delivery = { path: request.url ?? '', headers: request.headers, text, spans: readSpans(text) };
    receiver.deliveries.push(delivery);
    if (receiver.answer) receiver.answer(response, delivery);
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    if (response.statusCode === 200) receiver.spans.push(...delivery.spans);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(scope, () => {
    server.closeAllConnections();
    server.close();
  });
  const receiver: SpanReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deliveries: [],
    spans: [],
    answer: undefined,
  };
  return receiver;
}

// biome-ignore lint/suspicious/noExplicitAny: what came by the network
type Json = any;

/** Reads the spans of a delivery. */
export function readSpans(text: string): ReceivedSpan[] {
  const { resourceSpans = [] }: Json = JSON.parse(text);
  return resourceSpans.flatMap(({ resource, scopeSpans }: Json) =>
    scopeSpans.flatMap(({ spans }: Json) =>
      spans.map((span: Json) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        traceState: span.traceState ?? '',
        name: span.name,
        kind: span.kind,
        startNano: BigInt(span.startTimeUnixNano),
        endNano: BigInt(span.endTimeUnixNano),
        attributes: readAttributes(span.attributes),
        status: span.status ?? {},
        resource: readAttributes(resource.attributes),
      })),
    ),
  );
}

function readAttributes(attributes: Json = []): Record<string, Value> {
  return Object.fromEntries(attributes.map(({ key, value }: Json) => [key, readValue(value)]));
}

function readValue(value: Json): Value {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.doubleValue !== undefined) return value.doubleValue;
  return value.arrayValue.values.map(readValue);
}
