import { usage } from '../path/exchange.ts';

/** The stream that the upstream sends: 64 deltas in OpenAI's form, each with the time at which it was sent. */

export const deltasPerStream = 64;

const base =
  '"id":"chatcmpl-bench0000000000000000000000","object":"chat.completion.chunk","created":1760000000,' +
  '"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789"';

/** Some words need escapes, and some are not ASCII, as in real text. */
const words = ['It', ' is', ' on', ' its', ' way', ' \\"today\\"', '.\\n', ' Please', ' wait', ' at', ' the', ' café'];
const paddings = ['a1', 'Bc2', 'dE3f', 'gH4iJ', 'kL5mN6', 'oP7qR8s'];

const stampDigits = 16;
const mark = '"content":"';

/** Microseconds of a clock that all processes of the machine share. */
export function nowUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + Math.round(nanoseconds / 1e3);
}

/** The event before the deltas. */
export const firstEvent = writeEvent({ role: 'assistant', content: '' }, null);

/** The events after the deltas. */
export const lastEvents = [
  writeEvent({}, 'stop'),
  `data: {${base},"choices":[],"usage":${JSON.stringify(usage)}}\n\n`,
  'data: [DONE]\n\n',
].join('');

/** A delta that is sent now. */
export function makeDelta(index: number): string {
  const stamp = String(nowUs()).padStart(stampDigits, '0');
  const padding = paddings[index % paddings.length];
  return (
    `data: {${base},"choices":[{"index":0,"delta":{${mark}${stamp}${words[index % words.length]}"},` +
    `"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"${padding}"}\n\n`
  );
}

/** When the delta in an event was sent. Undefined for an event without a delta. */
export function readStamp(event: string): number | undefined {
  const start = event.indexOf(mark) + mark.length;
  const stamp = start < mark.length ? Number.NaN : Number(event.slice(start, start + stampDigits));
  return stamp > 0 ? stamp : undefined;
}

function writeEvent(delta: object, finishReason: string | null): string {
  const choice = { index: 0, delta, logprobs: null, finish_reason: finishReason };
  return `data: {${base},"choices":[${JSON.stringify(choice)}],"usage":null}\n\n`;
}
