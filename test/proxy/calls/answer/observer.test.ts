import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors } from 'undici';
import { AnswerObserver } from '../../../../proxy/calls/answer/observer.ts';
import type { Outcome } from '../../../../proxy/calls/call.ts';
import { clientGone } from '../../../../proxy/calls/client-gone.ts';
import { toProblem } from '../../../../proxy/providers/failure.ts';
import type { Reading, StreamReader } from '../../../../proxy/providers/reading.ts';
import { unknownUsage } from '../../../../proxy/providers/usage.ts';
import { makeRecord } from '../../../request-record.ts';
import { makeCall } from '../call.ts';

const reading: Reading = {
  failed: false,
  errorCode: null,
  responseId: 'resp_1',
  model: 'gpt-4o-mini',
  serviceTier: null,
  usage: unknownUsage,
};
const error = { ...reading, failed: true, errorCode: 'rate_limit_exceeded' };
const timeout = toProblem(new errors.BodyTimeoutError(), true);
const cut = toProblem(new errors.SocketError('other side closed'), true);
const stopping = toProblem(new errors.ClientDestroyedError(), true);
const gaveUp = toProblem(clientGone, true);

/** How calls end, and what becomes of their records. */
const table: readonly {
  readonly name: string;
  readonly gone?: boolean;
  readonly background?: boolean;
  readonly end: (observer: AnswerObserver) => void;
  readonly outcome: Partial<Outcome>;
}[] = [
  {
    name: 'answered',
    end: (observer) => observer.answered(reading, 'Hi'),
    outcome: { status: 'completed', errorCode: null, responseId: 'resp_1', output: 'Hi', runsInBackground: false },
  },
  {
    name: 'answered with an error',
    end: (observer) => observer.answered(error, undefined),
    outcome: { status: 'failed', errorCode: 'rate_limit_exceeded' },
  },
  {
    name: 'answered after the client had gone',
    gone: true,
    end: (observer) => observer.answered(reading, 'Hi'),
    outcome: { status: 'cancelled', errorCode: 'client_disconnected', responseId: 'resp_1' },
  },
  {
    name: 'timed out',
    end: (observer) => observer.failed(timeout, undefined),
    outcome: { status: 'failed', errorCode: 'upstream_timeout', responseId: null, httpStatus: 200 },
  },
  {
    name: 'cut after the client had gone',
    gone: true,
    end: (observer) => observer.failed(cut, undefined),
    outcome: { status: 'cancelled', errorCode: 'upstream_interrupted' },
  },
  {
    name: 'given up as the client had gone',
    gone: true,
    end: (observer) => observer.failed(gaveUp, undefined),
    outcome: { status: 'cancelled', errorCode: 'client_disconnected' },
  },
  {
    name: 'cut by our own end',
    end: (observer) => observer.failed(stopping, undefined),
    outcome: { status: 'interrupted', errorCode: 'upstream_interrupted' },
  },
  {
    name: 'in the background, and not over yet',
    background: true,
    end: (observer) => observer.answered({ ...reading, state: 'pending' }, 'Hi'),
    outcome: { status: 'completed', runsInBackground: true },
  },
  {
    name: 'in the background, and cancelled',
    background: true,
    end: (observer) => observer.answered({ ...reading, state: 'cancelled' }, 'Hi'),
    outcome: { status: 'cancelled', runsInBackground: false, errorCode: null },
  },
  {
    name: 'in the background that is cut still runs at the provider',
    background: true,
    end: (observer) => observer.failed(cut, undefined),
    outcome: { status: 'failed', runsInBackground: true },
  },
];

function makeObserver(
  options: { readonly gone?: boolean; readonly background?: boolean; readonly kept?: boolean } = {},
) {
  const settled: Outcome[] = [];
  const deferred: string[] = [];
  let holds = 0;
  const observer = new AnswerObserver({
    call: makeCall(),
    account: {
      sealInput() {},
      defer: (id) => deferred.push(id),
      replaced() {},
      withdraw() {},
      settle(outcome, onWritten) {
        assert.equal(holds, 1);
        settled.push(outcome);
        onWritten();
      },
      isSettled: () => settled.length > 0,
      move() {},
      intent: () => makeRecord(''),
      costUsd: () => null,
    },
    runsInBackground: options.background ?? false,
    isKept: () => options.kept ?? false,
    client: {
      isGone: () => options.gone ?? false,
      hold() {
        holds += 1;
        return () => {
          holds -= 1;
        };
      },
    },
  });
  return { observer, settled, deferred };
}

for (const { name, gone = false, background = false, end, outcome } of table) {
  test(`a call ${name}`, () => {
    const { observer, settled } = makeObserver({ gone, background });
    observer.begin(200);
    end(observer);
    const [first] = settled;
    assert.deepEqual({ ...first, ...outcome }, first);
  });
}

test('a stream that broke off is looked up by its id where the provider keeps it', () => {
  const broken = (known: Reading) => ({ partial: () => known, output: () => 'He' }) as unknown as StreamReader;
  const used = { ...unknownUsage, totalTokens: 9 };
  const cases: readonly [kept: boolean, known: Reading, isDeferred: boolean][] = [
    [true, reading, true],
    [false, reading, false],
    [true, { ...reading, responseId: null }, false],
    [true, { ...reading, usage: used }, false],
  ];
  for (const [kept, known, isDeferred] of cases) {
    const { observer, settled, deferred } = makeObserver({ kept });
    observer.begin(200);
    observer.failed(cut, broken(known));
    assert.deepEqual(deferred, isDeferred ? ['resp_1'] : []);
    assert.deepEqual([settled[0]?.status, settled[0]?.runsInBackground], ['failed', isDeferred]);
  }
});

test('the first end counts', () => {
  const { observer, settled } = makeObserver();
  observer.answered(reading, 'Hi');
  observer.failed(cut, undefined);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['completed'],
  );
});

test('the known part of a stream that broke off is kept', () => {
  const { observer, settled } = makeObserver();
  observer.failed(cut, makeReader({ hasOutput: true }));
  assert.equal(settled[0]?.responseId, 'resp_1');
  assert.equal(settled[0]?.output, 'Hel');
});

test('only the last attempt leaves a status', () => {
  const { observer, settled } = makeObserver();
  observer.begin(400);
  observer.begin(null);
  observer.failed(toProblem(new errors.ConnectTimeoutError(), false), undefined);
  assert.equal(settled[0]?.httpStatus, null);
});

test('the time to the first token is measured at the first output', () => {
  const { observer, settled } = makeObserver();
  observer.progress(makeReader({ hasOutput: false }));
  observer.answered(reading, undefined);
  assert.equal(settled[0]?.timeToFirstTokenMs, null);
  const other = makeObserver();
  other.observer.progress(makeReader({ hasOutput: true }));
  other.observer.answered(reading, undefined);
  assert.ok(typeof other.settled[0]?.timeToFirstTokenMs === 'number');
});

test('only a call in the background is deferred, as soon as its id is known', () => {
  const background = makeObserver({ background: true });
  background.observer.progress(makeReader({ hasOutput: false }));
  background.observer.deferWhilePending({ ...reading, state: 'pending' });
  background.observer.deferWhilePending(reading);
  assert.deepEqual(background.deferred, ['resp_1', 'resp_1']);
  const other = makeObserver();
  other.observer.progress(makeReader({ hasOutput: false }));
  other.observer.deferWhilePending({ ...reading, state: 'pending' });
  assert.deepEqual(other.deferred, []);
});

function makeReader({ hasOutput }: { readonly hasOutput: boolean }): StreamReader {
  return {
    read: (chunk) => chunk,
    end: () => undefined,
    reading: () => undefined,
    hasOutput: () => hasOutput,
    partial: () => reading,
    output: () => 'Hel',
    isBetweenEvents: () => true,
  };
}
