import type { ProxyError } from '../error.ts';
import type { OutputGuard } from '../guardrails/output/output-guard.ts';
import type { Reading, StreamReader } from '../providers/reading.ts';
import { unknownUsage } from '../providers/usage.ts';

const nothingRead: Reading = {
  ...{ failed: false, errorCode: null, responseId: null, model: null, serviceTier: null },
  usage: unknownUsage,
};

/** Lets everything pass: accounts are read elsewhere. */
const passing: StreamReader = {
  read: (chunk) => chunk,
  end: () => undefined,
  reading: () => undefined,
  hasOutput: () => false,
  partial: () => nothingRead,
  output: () => undefined,
  isBetweenEvents: () => true,
};

/**
 * Guards the messages of a provider as the events of a stream, whose rules they follow: a message passes when the rules
 * have settled its texts.
 */
export class FrameGuard {
  readonly #output: OutputGuard;
  readonly #stream: StreamReader;

  constructor(output: OutputGuard) {
    this.#output = output;
    this.#stream = output.stream(passing);
  }

  /** @returns the messages that may pass now */
  push(message: string): string[] {
    // JSON has line breaks only between its parts.
    return messagesIn(this.#stream.read(Buffer.from(`data: ${message.replaceAll(/[\r\n]+/g, ' ')}\n\n`)));
  }

  /** @returns the messages that were held back */
  end(): string[] {
    return messagesIn(this.#stream.end());
  }

  /** Why nothing more passes. */
  problem(): ProxyError | undefined {
    return this.#output.problem();
  }
}

function messagesIn(events: Buffer | undefined): string[] {
  if (!events) return [];
  return events
    .toString('utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? [line.slice('data: '.length)] : []));
}
