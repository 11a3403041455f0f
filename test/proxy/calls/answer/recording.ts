import type { AnswerClient } from '../../../../proxy/calls/answer/client-sink.ts';
import type { Observer } from '../../../../proxy/calls/answer/observer.ts';

/** A client and an account that write down, in one order, what sinks tell them. */
export function makeRecording(options: { readonly takesMore?: boolean } = {}) {
  const told: string[] = [];
  let hasBegun = false;
  const client: AnswerClient = {
    hasBegun: () => hasBegun,
    head(status, headers) {
      hasBegun = true;
      told.push(`head ${status} ${JSON.stringify(headers)}`);
    },
    chunk(bytes) {
      told.push(`chunk ${bytes}`);
      return options.takesMore ?? true;
    },
    end: (last) => told.push(last ? `end ${last}` : 'end'),
    fail: (problem) => told.push(`refuse ${problem.code}`),
    cut: (lastWords) => told.push(`cut ${lastWords.trim()}`),
  };
  const observer: Observer = {
    progress: () => {},
    deferWhilePending(reading) {
      if (reading.state === 'pending') told.push(`defer ${reading.responseId}`);
    },
    answered: (reading) => told.push(`settle ${reading.failed ? 'failed' : 'completed'} ${reading.usage.totalTokens}`),
    failed: (problem) => told.push(`settle ${problem.code}`),
  };
  return { told, client, observer };
}
