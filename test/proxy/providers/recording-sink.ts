import type { AnswerSink } from '../../../proxy/providers/answer-sink.ts';

/** A sink that writes down what it is told. */
export function makeRecordingSink(overrides: Partial<AnswerSink> = {}) {
  const told: string[] = [];
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const sink: AnswerSink = {
    sent: () => told.push('sent'),
    head: (status) => told.push(`head ${status}`),
    chunk(bytes) {
      told.push(`chunk ${bytes}`);
      return true;
    },
    end(last) {
      told.push(last ? `end ${last}` : 'end');
      end();
    },
    fail(problem) {
      told.push(`fail ${problem.code}`);
      end();
    },
    ...overrides,
  };
  return { sink, told, over };
}
