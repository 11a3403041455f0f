/** A number that is written with a fraction, even where it has none. Any other number must be whole. */
export interface Double {
  readonly double: number;
}

export type AttributeValue = string | number | boolean | Double | readonly string[];

/** Facts about a span. Those without a value are left out. */
export type Attributes = Readonly<Record<string, AttributeValue | null | undefined>>;

/** `server`: answers a request. `client`: makes one. `consumer`: works on a message. */
export type SpanKind = 'internal' | 'server' | 'client' | 'consumer';

/** A span that has ended. Times are milliseconds since 1970, with fractions. */
export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** The header `tracestate`, which other programs wrote. */
  readonly traceState?: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  /** Why it failed, in a word. Undefined: it did not. */
  readonly error: string | undefined;
}
