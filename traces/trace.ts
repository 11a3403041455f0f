import { randomBytes } from 'node:crypto';
import type { Sampled } from './sampler.ts';
import type { Attributes, Span, SpanKind } from './span.ts';
import { writeTraceParent } from './trace-parent.ts';

/** A span that is under way. Only its first end counts. */
export interface OpenSpan {
  readonly spanId: string;
  /** @param error why it failed, in a word @param endMs absent: now */
  end(attributes?: Attributes, error?: string, endMs?: number): void;
  isOpen(): boolean;
  /** The header `traceparent` of a request that it makes. */
  traceParent(): string;
}

/** This process's part of a trace: a root span, with spans below it. */
export class Trace {
  readonly traceId: string;
  readonly #parentSpanId: string | undefined;
  readonly #traceState: string | undefined;
  readonly #rootId = makeId(8);
  readonly #startedAtMs: number;
  readonly #startedTicks: number;
  readonly #spans: Span[] = [];
  readonly #open = new Set<OpenSpan>();

  /** @param startedTicks `performance.now()` at the start, by which all further times are measured */
  constructor({ parent }: Sampled, startedAtMs: number, startedTicks: number, traceState?: string | undefined) {
    this.traceId = parent?.traceId ?? makeId(16);
    this.#parentSpanId = parent?.spanId;
    this.#traceState = traceState;
    this.#startedAtMs = startedAtMs;
    this.#startedTicks = startedTicks;
  }

  /** Milliseconds since 1970 now. */
  nowMs(): number {
    return this.#startedAtMs + performance.now() - this.#startedTicks;
  }

  /** The header `traceparent` for what belongs below the root. */
  traceParent(): string {
    return writeTraceParent({ traceId: this.traceId, spanId: this.#rootId });
  }

  /** Begins a span below the root. */
  begin(name: string, kind: SpanKind, known: Attributes = {}): OpenSpan {
    const spanId = makeId(8);
    const startMs = this.nowMs();
    const span: OpenSpan = {
      spanId,
      end: (attributes, error, endMs = this.nowMs()) => {
        if (!this.#open.delete(span)) return;
        const { traceId } = this;
        const all = attributes ? { ...known, ...attributes } : known;
        const parentSpanId = this.#rootId;
        this.#spans.push({ traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes: all, error });
      },
      isOpen: () => this.#open.has(span),
      traceParent: () => writeTraceParent({ traceId: this.traceId, spanId }),
    };
    this.#open.add(span);
    return span;
  }

  /** Ends the root, and what is still open below it. @returns all spans */
  end(name: string, kind: SpanKind, attributes: Attributes, error: string | undefined): readonly Span[] {
    for (const span of this.#open) span.end(undefined, error);
    this.#spans.push({
      traceId: this.traceId,
      spanId: this.#rootId,
      parentSpanId: this.#parentSpanId,
      traceState: this.#traceState,
      name,
      kind,
      startMs: this.#startedAtMs,
      endMs: this.nowMs(),
      attributes,
      error,
    });
    return this.#spans;
  }
}

function makeId(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
