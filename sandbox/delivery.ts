import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { byteSteps, type Step, streamSteps, wholeBody, wholeBodySteps } from './delivery-script.ts';
import type { Faults } from './faults.ts';
import type { Generation } from './generation.ts';
import type { TokenUsage } from './usage.ts';

/** An answer that is being sent. */
export interface Delivery {
  reply: ServerResponse;
  /** Aborted when the client is gone, which ends every wait. */
  signal: AbortSignal;
  /** Notes the usage billed so far. */
  bill(usage: TokenUsage): void;
  /**
   * Notes the end of the answer before its last byte is sent, so that a client that has read everything finds it in the
   * accounts.
   */
  settle(status: 'completed' | 'failed'): void;
}

/** Events travel together up to this many characters, unless there is a pause between them. */
const batchLength = 16 * 1024;

/**
 * Sends a generation, with the requested faults.
 *
 * @throws AbortError when the client is gone
 */
export async function deliver(delivery: Delivery, generation: Generation, faults: Faults): Promise<void> {
  const { answer } = generation;
  if (answer.kind === 'stream') {
    delivery.reply.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    });
    await play(delivery, streamSteps(answer.stream, generation, faults), generation, faults);
  } else if (answer.kind === 'bytes') {
    delivery.reply.writeHead(200, { 'content-type': answer.contentType });
    await play(delivery, byteSteps(answer.chunks, generation, faults), generation, faults, 'latin1');
  } else {
    const text = wholeBody(answer.body, faults, answer.error);
    delivery.reply.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    await play(delivery, wholeBodySteps(text, generation, faults), generation, faults);
  }
}

async function play(
  delivery: Delivery,
  steps: Iterable<Step>,
  generation: Generation,
  faults: Faults,
  encoding: BufferEncoding = 'utf8',
): Promise<void> {
  const { reply, signal } = delivery;
  let batch = '';
  const flush = async () => {
    const text = batch;
    batch = '';
    if (text !== '') await write(reply, text, encoding, signal);
  };
  for (const step of steps) {
    switch (step.kind) {
      case 'send':
        batch += step.text;
        delivery.bill(step.billed);
        if (batch.length >= batchLength) await flush();
        break;
      case 'pause':
        await flush();
        await setTimeout(step.ms, undefined, { signal });
        break;
      case 'cut':
        if (faults.kept) {
          delivery.bill(generation.usage);
          generation.onComplete?.();
        }
        await cut(reply, batch, encoding, () => delivery.settle(faults.kept ? 'completed' : 'failed'));
        return;
      case 'end':
        delivery.bill(step.billed);
        if (step.status === 'completed') generation.onComplete?.();
        delivery.settle(step.status);
        reply.end(batch + step.text, encoding);
    }
  }
}

/** Writes no faster than the client reads, and gives other connections their turn. */
async function write(
  reply: ServerResponse,
  text: string,
  encoding: BufferEncoding,
  signal: AbortSignal,
): Promise<void> {
  if (reply.write(text, encoding)) await setImmediate(undefined, { signal });
  else await once(reply, 'drain', { signal });
}

/** Closes the connection after the text has been sent. */
async function cut(reply: ServerResponse, text: string, encoding: BufferEncoding, settle: () => void): Promise<void> {
  if (text !== '') await new Promise((resolve) => reply.write(text, encoding, resolve));
  settle();
  reply.destroy();
}
