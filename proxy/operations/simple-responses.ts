import { asArray, asObject, asString, type Body, errorCodeOf, parseObject } from '../providers/json.ts';
import type { StreamReader } from '../providers/reading.ts';
import { makeEventSplitter, parseEvent } from '../providers/sse.ts';
import type { Operation } from './operation.ts';
import { responses } from './responses.ts';

/**
 * `POST /v1/responses` in the simple format: `content[0].text` instead of OpenAI's `output[]`. The upstream request and
 * the record are the same.
 */
export const simpleResponses: Operation = {
  ...responses,
  present: simplify,
  presentStream: makeReader,
};

/** A whole response in the simple format. It always has a `content[0]`, which clients read. */
function simplify(answer: Body): Body {
  const texts = asArray(answer.output)
    .flatMap((item) => asArray(asObject(item)?.content))
    .map((part) => asObject(part))
    .map((part) => asString(part?.text) ?? asString(part?.refusal))
    .filter((text) => text !== null);
  return {
    id: answer.id,
    model: answer.model,
    status: answer.status,
    content: (texts.length > 0 ? texts : ['']).map((text) => ({ text })),
    ...(answer.error != null && { error: answer.error }),
    usage: simplifyUsage(answer.usage),
  };
}

function simplifyUsage(value: unknown): Body | null {
  const usage = asObject(value);
  if (!usage) return null;
  const { input_tokens, output_tokens, total_tokens } = usage;
  return { input_tokens, output_tokens, total_tokens };
}

/** Every `data:` line is JSON: a piece of text, at the end the response's other fields, or an error. */
function simplifyEvent(type: string, data: Body): Body | undefined {
  switch (type) {
    case 'response.output_text.delta':
    case 'response.refusal.delta':
      return { content: [{ text: data.delta }] };
    case 'response.completed':
    case 'response.incomplete':
    case 'response.failed': {
      const { content: _, ...rest } = simplify(asObject(data.response) ?? {});
      return rest;
    }
    case 'error':
      return { error: { message: data.message, type: 'server_error', param: null, code: errorCodeOf(data) } };
    default:
      return undefined;
  }
}

/** Wraps a reader: the client gets the stream in the simple format, and the reader sees all of it. */
function makeReader(reader: StreamReader): StreamReader {
  const events = makeEventSplitter();
  const show = (raw: string): string => {
    const { name, data } = parseEvent(raw);
    const parsed = parseObject(data);
    const event = parsed && simplifyEvent(name === '' ? (asString(parsed.type) ?? '') : name, parsed);
    return event ? `data: ${JSON.stringify(event)}\n\n` : '';
  };
  return {
    read(chunk) {
      const passed = reader.read(chunk);
      const shown = passed ? events.push(passed).map(show).join('') : '';
      return shown === '' ? undefined : Buffer.from(shown);
    },
    end() {
      const passed = reader.end();
      const raws = passed ? [...events.push(passed)] : [];
      const last = events.end();
      if (last !== undefined) raws.push(last);
      return raws.length === 0 ? undefined : Buffer.from(raws.map(show).join(''));
    },
    reading: () => reader.reading(),
    hasOutput: () => reader.hasOutput(),
    partial: () => reader.partial(),
    output: () => reader.output(),
    isBetweenEvents: () => true,
    ...(reader.isOver && { isOver: () => reader.isOver?.() === true }),
  };
}
