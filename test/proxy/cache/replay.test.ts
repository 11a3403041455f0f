import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { decodeAnswer, encodeAnswer, joinPieces } from '../../../proxy/cache/kept-answer.ts';
import { Recording } from '../../../proxy/cache/recording.ts';
import { replaying } from '../../../proxy/cache/replay.ts';
import { ProxyError } from '../../../proxy/error.ts';
import type { AnswerSink } from '../../../proxy/providers/answer-sink.ts';
import type { Exchange, ProviderRequest } from '../../../proxy/providers/exchange.ts';
import { makeKey } from '../snapshot.ts';

const request: ProviderRequest = { method: 'POST', path: '/', key: makeKey('key'), headers: {}, body: undefined };

/** Notes what it gets, and takes so many chunks at a time. */
function makeSink(atOnce = Number.POSITIVE_INFINITY) {
  const seen: string[] = [];
  let room = atOnce;
  const sink: AnswerSink = {
    head: (status, headers) => void seen.push(`${status} ${headers['content-type']}`),
    chunk(bytes) {
      seen.push(bytes.toString());
      room -= 1;
      return room > 0;
    },
    end: (last) => void seen.push(`end${last ?? ''}`),
    fail: ({ code }) => void seen.push(code),
  };
  return { sink, seen, refill: () => (room = atOnce) };
}

const answer = joinPieces('text/event-stream', [Buffer.from('a'), Buffer.from('bc'), Buffer.from('d')]);

describe('a replayed answer', () => {
  it('comes in its pieces, after its asker has the request in hand', async () => {
    const { sink, seen } = makeSink();
    replaying(answer)(request, sink);
    assert.deepEqual(seen, []);
    await turn();
    assert.deepEqual(seen, ['200 text/event-stream', 'a', 'bc', 'd', 'end']);
  });

  it('waits while its sink takes no more', async () => {
    const { sink, seen, refill } = makeSink(1);
    const sent = replaying(answer)(request, sink);
    await turn();
    assert.deepEqual(seen.slice(1), ['a']);
    await turn();
    assert.deepEqual(seen.slice(1), ['a']);
    for (const upTo of [2, 3]) {
      refill();
      sent.resume();
      sent.resume();
      await turn();
      assert.equal(seen.length, upTo + 1);
    }
    sent.resume();
    await turn();
    assert.equal(seen.at(-1), 'end');
  });

  it('ends once where it is aborted, and is silent where it is dropped', async () => {
    const aborted = makeSink(1);
    const sent = replaying(answer)(request, aborted.sink);
    await turn();
    sent.abort(new ProxyError('upstream_timeout'));
    sent.abort(new ProxyError('upstream_timeout'));
    sent.resume();
    await turn();
    assert.deepEqual(aborted.seen.slice(1), ['a', 'upstream_timeout']);
    const dropped = makeSink();
    replaying(answer)(request, dropped.sink).drop();
    await turn();
    assert.deepEqual(dropped.seen, []);
  });
});

describe('a recording', () => {
  const feed =
    (play: (sink: AnswerSink) => void): Exchange =>
    (_request, sink) => {
      play(sink);
      return { resume() {}, abort() {}, drop() {} };
    };
  const record = (play: (sink: AnswerSink) => void, options: { maxBytes?: number; attempts?: number } = {}) => {
    const ends: string[] = [];
    const recording = new Recording({
      maxBytes: options.maxBytes ?? 100,
      addAnswer: () => {},
      onEnd: () => ends.push('whole'),
      onDropped: (isTooLarge) => ends.push(isTooLarge ? 'too large' : 'dropped'),
    });
    const exchange = recording.over(feed(play));
    for (let attempt = 0; attempt < (options.attempts ?? 1); attempt++) exchange(request, makeSink().sink);
    return { recording, ends };
  };
  const whole = (sink: AnswerSink) => {
    sink.head(200, { 'content-type': 'text/plain' });
    sink.chunk(Buffer.from('ab'));
    sink.end(Buffer.from('c'));
  };

  it('has the pieces of an answer', () => {
    const { recording, ends } = record(whole);
    assert.deepEqual(recording.answer()?.pieces.map(String), ['ab', 'c']);
    assert.deepEqual(ends, ['whole']);
  });

  const others: Readonly<Record<string, readonly [ReturnType<typeof record>, end: string]>> = {
    'an error': [record((sink) => sink.head(500, {})), 'dropped'],
    'an answer that breaks off': [
      record((sink) => {
        sink.head(200, {});
        sink.chunk(Buffer.from('ab'));
        sink.fail(new ProxyError('upstream_interrupted'));
      }),
      'dropped',
    ],
    'an answer that is too large': [record(whole, { maxBytes: 2 }), 'too large'],
    'the answer of a second attempt': [record(whole, { attempts: 2 }), 'whole,dropped'],
  };
  for (const [title, [{ recording, ends }, end]] of Object.entries(others)) {
    it(`has nothing of ${title}`, () => {
      assert.equal(recording.answer(), undefined);
      assert.equal(ends.join(), end);
    });
  }
});

it('an answer is the same after it was kept', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.uint8Array({ maxLength: 20 })), (contentType, pieces) => {
      const kept = joinPieces(
        contentType,
        pieces.map((piece) => Buffer.from(piece)),
      );
      assert.deepEqual(decodeAnswer(encodeAnswer(kept)), kept);
    }),
  );
});

it('what is no kept answer is not read as one', () => {
  const bytes = encodeAnswer(answer);
  for (const wrong of [bytes.subarray(0, -1), bytes.subarray(5), Buffer.from('{}\n'), Buffer.from('["a",[-1]]\n')]) {
    assert.throws(() => decodeAnswer(wrong), SyntaxError);
  }
});
