import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openContents } from '../../../../database/contents.ts';
import { generateDataKeys, makeEnvelope } from '../../../../database/envelope.ts';
import type { PendingCall } from '../../../../database/pending-calls.ts';
import { recordOf } from '../../../../database/request-lines.ts';
import type { RequestRecord } from '../../../../database/requests.ts';
import type { Outcome } from '../../../../proxy/calls/call.ts';
import { nothingReserved, type Reservation } from '../../../../proxy/calls/reserve/reserve.ts';
import type { Account, AccountingTerms } from '../../../../proxy/calls/settle/account.ts';
import type { LateEnd } from '../../../../proxy/calls/settle/late-end.ts';
import { makeSettlement } from '../../../../proxy/calls/settle/settlement.ts';
import type { ProxyError } from '../../../../proxy/error.ts';
import { makePrice } from '../../../../proxy/prices/price.ts';
import type { Reading } from '../../../../proxy/providers/reading.ts';
import { unknownUsage } from '../../../../proxy/providers/usage.ts';
import { openSpool } from '../../../../proxy/spool/spool.ts';
import { atEnd } from '../../../scope.ts';
import { organizationId } from '../../snapshot.ts';
import { makeCall } from '../call.ts';

const terms = { price: makePrice(undefined, new Map([['openai', 'openai']])), envelope: undefined };
const envelope = makeEnvelope(generateDataKeys());
const keeping = { ...terms, envelope };
const usage = { ...unknownUsage, inputTokens: 1_000_000, outputTokens: 0, totalTokens: 1_000_000 };
const outcome: Outcome = {
  status: 'completed',
  httpStatus: 200,
  errorCode: null,
  responseId: 'resp_1',
  model: 'gpt-4o-mini',
  serviceTier: null,
  usage,
  timeToFirstTokenMs: null,
  upstreamMs: 7,
  output: undefined,
};
const reading: Reading = { ...outcome, failed: false };
const late: LateEnd = { reading, answer: { id: 'resp_1' }, output: '' };

/** A settlement over a real spool, with what its subscribers are told. */
function open(t: TestContext, directory = mkdtempSync(join(tmpdir(), 'chaperone-settlement-'))) {
  const told: string[] = [];
  const recovered: RequestRecord[] = [];
  const deferred: PendingCall[] = [];
  const spool = openSpool({ directory, onRecovered: (record) => recovered.push(record) });
  let isOpen = true;
  const close = () => {
    if (isOpen) spool.close();
    isOpen = false;
  };
  atEnd(t, () => {
    close();
    rmSync(directory, { recursive: true, force: true });
  });
  const settlement = makeSettlement({
    organizationId,
    origin: { namespace: 'team-a', workload: 'web' },
    spool,
    subscribers: [
      {
        opened: () => told.push('opened'),
        closed: () => told.push('closed'),
        implausible: () => told.push('implausible'),
        unsettled: (_record, cause) => told.push(`unsettled ${cause instanceof Error ? cause.message : cause}`),
        deferred(pending) {
          deferred.push(pending);
          told.push('deferred');
        },
        settled: ({ record, upstreamMs }) => told.push(`settled ${record.status} ${record.cost_usd} ${upstreamMs}`),
      },
      {},
    ],
  });
  /** Those that wait for the database, by table. */
  const waiting = (table: 'calls' | 'pending' | 'settlements') =>
    spool.take(table, 10).map(({ row }): RequestRecord => recordOf(String(row)));
  /** What the contents of the first waiting row say. */
  const contentsOf = (table: 'calls' | 'settlements') => {
    const [{ row, sealed } = assert.fail()] = spool.take(table, 1);
    if (sealed.length === 0) return undefined;
    const { input, output } = openContents(
      envelope,
      { organizationId, requestId: recordOf(String(row)).request_id },
      sealed,
    );
    return [String(input), output && String(output)];
  };
  const reservation: Reservation = {
    ...nothingReserved,
    settle: () => told.push('given back'),
    release: () => told.push('released'),
  };
  /** Opens the account of a call, and waits for its intent. */
  const openAccount = (call = makeCall(), by: AccountingTerms = terms): Account => {
    let account: Account | undefined;
    const onOpened = (opened: Account) => {
      account = opened;
    };
    settlement.open(call, by, reservation, onOpened, assert.fail);
    spool.writeNow();
    return account ?? assert.fail();
  };
  return { settlement, openAccount, contentsOf, spool, told, deferred, recovered, waiting, directory, close };
}

const turn = () => new Promise(setImmediate);

/** How a call of this proxy's ends, what waits for the database then, and what subscribers are told. */
const table: readonly {
  readonly name: string;
  readonly ends: readonly Partial<Outcome>[];
  readonly record: Partial<RequestRecord>;
  readonly told: readonly string[];
}[] = [
  {
    name: 'answered',
    ends: [{}],
    record: { status: 'completed', cost_usd: '0.15', response_id: 'resp_1', namespace: 'team-a' },
    told: ['settled completed 0.15 7'],
  },
  {
    name: 'failed',
    ends: [{ status: 'failed', errorCode: 'rate_limit_exceeded', usage: unknownUsage }],
    record: { status: 'failed', error_code: 'rate_limit_exceeded', cost_usd: null },
    told: ['settled failed null 7'],
  },
  {
    name: 'cancelled by its client',
    ends: [{ status: 'cancelled', errorCode: 'client_disconnected' }],
    record: { status: 'cancelled', error_code: 'client_disconnected' },
    told: ['settled cancelled 0.15 7'],
  },
  {
    name: 'whose end is reported twice',
    ends: [{}, { status: 'failed' }],
    record: { status: 'completed' },
    told: ['settled completed 0.15 7'],
  },
  {
    name: 'whose provider reports impossible usage',
    ends: [{ usage: { ...usage, inputTokens: Number.MAX_SAFE_INTEGER } }],
    record: { status: 'completed', input_tokens: null, cost_usd: null },
    told: ['implausible', 'settled completed null 7'],
  },
];

for (const { name, ends, record, told: toldOfIt } of table) {
  test(`a call ${name} has one record, and its subscribers are told once`, async (t) => {
    const { openAccount, told, waiting } = open(t);
    const account = openAccount();
    for (const end of ends) account.settle({ ...outcome, ...end }, () => told.push('answered'));
    assert.deepEqual(waiting('calls'), []);
    await turn();
    assert.deepEqual(told, [
      'opened',
      'closed',
      ...toldOfIt.slice(0, -1),
      'given back',
      'answered',
      ...toldOfIt.slice(-1),
    ]);
    const [only = assert.fail(), ...others] = waiting('calls');
    assert.deepEqual({ ...only, ...record }, only);
    assert.deepEqual(others, []);
  });
}

test('a call in the background is settled once, and its subscribers are told when it is known which end was first', async (t) => {
  const { settlement, openAccount, spool, told, deferred, waiting } = open(t);
  const account = openAccount();
  account.defer('resp_1');
  account.defer('resp_1');
  account.settle({ ...outcome, runsInBackground: true }, () => {});
  await turn();
  assert.deepEqual(told, ['opened', 'deferred', 'closed', 'given back']);
  const [pending = assert.fail()] = deferred;
  settlement.settleLate(pending, late, terms);
  settlement.settleLate(pending, { errorCode: 'background_timeout' }, terms);
  spool.writeNow();
  const [record = assert.fail(), ...others] = waiting('settlements');
  assert.deepEqual(others, []);
  assert.deepEqual([record.request_id, record.status, record.cost_usd], [pending.request_id, 'completed', '0.15']);
  assert.equal(told.length, 4);
  settlement.arrivedFirst(record);
  assert.deepEqual(told.slice(4), [`settled completed 0.15 ${record.duration_ms}`]);
});

test('a call in the background whose end its own client streamed is settled the same way', async (t) => {
  const { openAccount, told, waiting } = open(t);
  const account = openAccount();
  account.defer('resp_1');
  account.settle(outcome, () => {});
  await turn();
  assert.deepEqual(told, ['opened', 'deferred', 'closed', 'given back']);
  assert.deepEqual(waiting('calls'), []);
  assert.equal(waiting('settlements')[0]?.status, 'completed');
});

test('an id that a call only echoes from its own request does not defer it', (t) => {
  const { openAccount, told } = open(t);
  openAccount(makeCall({ input: () => '{"metadata":"resp_1"}' })).defer('resp_1');
  assert.deepEqual(told, ['opened']);
});

test('a late end may have the cost of its parts', (t) => {
  const { settlement, openAccount, spool, deferred, waiting } = open(t);
  openAccount().defer('batch_1');
  settlement.settleLate(deferred[0] ?? assert.fail(), { ...late, costUsd: '0.5' }, terms);
  spool.writeNow();
  assert.equal(waiting('settlements')[0]?.cost_usd, '0.5');
});

test('a call that was cut by the end of the process is settled at the next start, and told once', (t) => {
  const before = open(t);
  before.openAccount();
  before.close();
  const after = open(t, before.directory);
  const [record = assert.fail()] = after.recovered;
  after.settlement.recovered(record);
  assert.deepEqual(after.told, ['settled interrupted null 0']);
  assert.equal(after.waiting('calls')[0]?.error_code, 'process_ended');
});

test('a call whose intent cannot be written is not made, and releases its reservation', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'chaperone-settlement-'));
  atEnd(t, () => rmSync(directory, { recursive: true, force: true }));
  const spool = openSpool({ directory, maxBytes: 0 });
  atEnd(t, () => spool.close());
  const told: string[] = [];
  const reservation: Reservation = {
    ...nothingReserved,
    settle: () => assert.fail(),
    release: () => told.push('released'),
  };
  const subscribers = [{ opened: () => told.push('opened') }];
  const settlement = makeSettlement({ organizationId, origin: undefined, spool, subscribers });
  settlement.open(
    makeCall(),
    terms,
    reservation,
    () => assert.fail(),
    ({ code }) => told.push(code),
  );
  assert.deepEqual(told, ['released', 'spool_full']);
});

/** Longer than what is stored. */
const large = 'x'.repeat(1024 * 1024 + 1);

/** What is kept of what was said: of which input and output, and what of them. */
const said: readonly [name: string, input: string, output: string | undefined, kept: unknown][] = [
  ['input and output', 'Hi', 'Hello', ['Hi', 'Hello']],
  ['the input where there is no output', 'Hi', undefined, ['Hi', undefined]],
  ['an empty output', 'Hi', '', ['Hi', '']],
  ['the input where the output is too large', 'Hi', large, ['Hi', undefined]],
  ['nothing where the input is too large', large, 'Hello', undefined],
];

for (const [name, input, output, kept] of said) {
  test(`the record of a call keeps ${name}`, (t) => {
    const { openAccount, contentsOf, spool } = open(t);
    openAccount(makeCall({ input: () => input }), keeping).settle({ ...outcome, output }, () => {});
    spool.writeNow();
    assert.deepEqual(contentsOf('calls'), kept);
  });

  test(`the record of a deferred call keeps ${name}`, (t) => {
    const { settlement, openAccount, contentsOf, deferred, spool } = open(t);
    openAccount(makeCall({ input: () => input }), keeping).defer('resp_1');
    settlement.settleLate(deferred[0] ?? assert.fail(), { ...late, output: output ?? '' }, keeping);
    spool.writeNow();
    assert.deepEqual(contentsOf('settlements'), kept && output === undefined ? ['Hi', ''] : kept);
  });
}

test('a deferred call whose user was erased keeps no contents of its answer', (t) => {
  const { settlement, openAccount, contentsOf, deferred, spool } = open(t);
  openAccount(makeCall(), keeping).defer('resp_1');
  settlement.settleLate(
    { ...(deferred[0] ?? assert.fail()), input_sealed: null },
    { ...late, output: 'Hello' },
    keeping,
  );
  spool.writeNow();
  assert.equal(contentsOf('settlements'), undefined);
});

test('a call keeps no contents where the organization stores none', (t) => {
  const { openAccount, contentsOf, spool } = open(t);
  openAccount().settle({ ...outcome, output: 'Hello' }, () => {});
  spool.writeNow();
  assert.equal(contentsOf('calls'), undefined);
});

for (const sealsEarly of [false, true]) {
  for (const [output, kept] of [
    ['Hello', 'Hello'],
    ['', ''],
    [undefined, undefined],
    ['x'.repeat(1024 * 1024 + 1), undefined],
  ]) {
    const ofWhat = output === undefined ? 'no output' : `an output of ${output.length} characters`;
    test(`a call with ${ofWhat} keeps its contents${sealsEarly ? ', sealed while the provider works' : ''}`, (t) => {
      const { openAccount, contentsOf, spool } = open(t);
      const account = openAccount(makeCall(), keeping);
      if (sealsEarly) account.sealInput();
      account.settle({ ...outcome, output }, () => {});
      spool.writeNow();
      assert.deepEqual(contentsOf('calls'), [makeCall().input(), kept]);
    });
  }
}

test('a call that is deferred after its input was sealed keeps its contents', (t) => {
  const { openAccount, contentsOf, spool } = open(t);
  const account = openAccount(makeCall(), keeping);
  account.sealInput();
  account.defer('resp_1');
  account.settle({ ...outcome, output: 'Hello' }, () => {});
  spool.writeNow();
  assert.deepEqual(contentsOf('settlements'), [makeCall().input(), 'Hello']);
});

test('a call that cannot be settled is told so, gives back what it reserved, and is settled by the next start', (t) => {
  const { openAccount, told, close, directory } = open(t);
  const broken = new Error('No price today');
  const price = () => {
    throw broken;
  };
  const account = openAccount(makeCall(), { price, envelope: undefined });
  const problems: (ProxyError | undefined)[] = [];
  account.settle(outcome, (problem) => problems.push(problem));
  assert.deepEqual(
    problems.map((problem) => [problem?.code, problem?.cause]),
    [['internal_error', broken]],
  );
  assert.ok(account.isSettled());
  assert.deepEqual(told, ['opened', 'closed', 'released', 'unsettled No price today']);
  close();
  const { recovered } = open(t, directory);
  assert.deepEqual(
    recovered.map(({ status }) => status),
    ['interrupted'],
  );
});
