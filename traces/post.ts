import { type Agent, type IncomingMessage, request as requestPlain } from 'node:http';

export interface PostOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Makes the connection. Absent: it is direct, and kept for the next request. */
  readonly agent: Agent | undefined;
}

export interface PostAnswer {
  readonly status: number;
  /** Seconds, or undefined where the receiver does not say when to come again. */
  readonly retryAfterS: number | undefined;
  readonly text: string;
}

const maxAnswerBytes = 64 * 1024;

/** Sends a request, and reads its answer. @throws where no answer comes in time */
export async function post({ url, headers, body, timeoutMs, signal, agent }: PostOptions): Promise<PostAnswer> {
  const request = url.protocol === 'https:' ? (await import('node:https')).request : requestPlain;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      signal: limit,
      ...(agent && { agent }),
    });
    sent.once('response', resolve).once('error', reject).end(body);
  });
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) if (text.length < maxAnswerBytes) text += String(chunk);
  const retryAfterS = Number(answer.headers['retry-after']);
  return { status: answer.statusCode ?? 0, retryAfterS: retryAfterS > 0 ? retryAfterS : undefined, text };
}
