/** What a request says about the trace that it belongs to. */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The span of the caller: 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether the caller records its part. */
  readonly isSampled: boolean;
}

/** A later version may add parts at the end. */
const form = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const maxLength = 512;

/**
 * Reads the header `traceparent`.
 *
 * @returns undefined where it is none
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function readTraceParent(header: string): TraceParent | undefined {
  const [, version, traceId, spanId, flags, more] = (header.length <= maxLength && form.exec(header)) || [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The header for a request that a recorded span makes. */
export function writeTraceParent({ traceId, spanId }: Omit<TraceParent, 'isSampled'>): string {
  return `00-${traceId}-${spanId}-01`;
}
