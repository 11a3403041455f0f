import { ProxyError } from '../error.ts';
import type { Share } from '../in-flight.ts';
import { asArray, asObject, asString, type Body, parseObject } from '../providers/json.ts';
import type { Reading, StreamReader } from '../providers/reading.ts';
import type { RelayedAnswer } from '../providers/relay.ts';
import type { WireFormat } from '../providers/wire-format.ts';

/** Called with the text so far, at most five times a second. */
export type OnText = (text: string) => void;

/** What was read of a completion that came in pieces. */
export interface Streamed {
  readonly reading: Reading;
  /** The whole completion, without its usage. */
  readonly output: string;
  /** `performance.now()` when its first word came. Undefined: none came. */
  readonly firstTicks: number | undefined;
  /** Why it broke off. */
  readonly problem: ProxyError | undefined;
}

const pauseMs = 200;

/** The body that asks for a completion in pieces, for the client's API. */
export function askInPieces(body: Body): Body {
  return { ...body, stream: true };
}

/** What the provider is asked in addition, so that it says what the completion used. */
export function withUsage({ translation, needsUsageOption }: WireFormat, body: Body): Body {
  if (translation?.takesUsageOption === false || !needsUsageOption(body)) return body;
  return { ...body, stream_options: { include_usage: true } };
}

/** Whether an answer comes in pieces. Not every server does what it is asked. */
export function comesInPieces({ status, headers }: RelayedAnswer): boolean {
  return status < 300 && /^text\/event-stream\b/i.test(String(headers['content-type'] ?? ''));
}

/**
 * Reads a completion that comes in pieces. Where it breaks off, what came is told.
 *
 * @param maxBytes a larger one breaks off
 */
export async function readInPieces(
  { body: pieces }: RelayedAnswer,
  reader: StreamReader,
  share: Pick<Share, 'addAnswer'>,
  onText: OnText,
  maxBytes: number,
): Promise<Streamed> {
  let bytes = 0;
  let firstTicks: number | undefined;
  let toldTicks = Number.NEGATIVE_INFINITY;
  try {
    for await (const piece of pieces as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > maxBytes) throw new ProxyError('upstream_invalid_response');
      share.addAnswer(piece.length);
      reader.read(piece);
      const nowTicks = performance.now();
      if (!reader.hasOutput()) continue;
      firstTicks ??= nowTicks;
      if (nowTicks - toldTicks < pauseMs) continue;
      toldTicks = nowTicks;
      onText(textOf(reader.output()));
    }
    reader.end();
    const reading = reader.reading();
    const problem = reading ? undefined : new ProxyError('upstream_interrupted');
    return { reading: reading ?? reader.partial(), output: reader.output() ?? '', firstTicks, problem };
  } catch (error) {
    const problem = error instanceof ProxyError ? error : new ProxyError('upstream_invalid_response', { cause: error });
    return { reading: reader.partial(), output: reader.output() ?? '', firstTicks, problem };
  }
}

function textOf(output: string | undefined): string {
  const completion = output === undefined ? null : parseObject(output);
  const choice = asObject(asArray(completion?.choices)[0]);
  return asString(asObject(choice?.message)?.content) ?? '';
}
