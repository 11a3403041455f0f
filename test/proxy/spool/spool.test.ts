import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { nobody } from '../../../database/ids.ts';
import type { RatingRecord } from '../../../database/ratings.ts';
import { jsonOf, recordOf } from '../../../database/request-lines.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { openSpool, type Spool, type SpoolOptions, spoolBoundsOf } from '../../../proxy/spool/spool.ts';
import { mountVolume, volumesLack } from '../../faults/matrix/volume.ts';
import { propertyRuns } from '../../property-runs.ts';
import { makeRecord } from '../../request-record.ts';
import { atEnd } from '../../scope.ts';
import { beginNow, settleNow } from '../../spool-now.ts';
import { until } from '../../until.ts';

const organizationId = 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11';

function makeDirectory(t: Pick<TestContext, 'after'>): string {
  const directory = mkdtempSync(join(tmpdir(), 'chaperone-spool-'));
  atEnd(t, () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function open(t: TestContext, options: Partial<SpoolOptions> = {}): Spool {
  const spool = openSpool({ directory: makeDirectory(t), ...options });
  atEnd(t, () => spool.close());
  return spool;
}

/** The sizes of a spool's files. */
const filesOf = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.spool'))
    .map((name) => statSync(join(directory, name)).size);

function intent(changes: Partial<RequestRecord> = {}): RequestRecord {
  return makeRecord(organizationId, { status: 'interrupted', input_tokens: null, total_tokens: null, ...changes });
}

function settle(spool: Spool, record = makeRecord(organizationId), sealed?: Buffer): RequestRecord {
  settleNow(spool, beginNow(spool, intent({ request_id: record.request_id })), record, sealed);
  return record;
}

function makeRating(requestId: string, ratedAt = new Date().toISOString()): RatingRecord {
  return {
    rating_id: '018f2b6e-0000-7000-8000-000000000000',
    request_id: requestId,
    response_id: null,
    user_id: nobody,
    rating: -1,
    feedback: null,
    rated_by: null,
    rated_at: ratedAt,
  };
}

test('a call that goes on with another key is recovered as it was amended', (t) => {
  const directory = makeDirectory(t);
  const spool = openSpool({ directory });
  const [cut, ended] = [intent({ quota: '0,1,2,3' }), intent({ quota: '0,1,2,3' })];
  const handles = [beginNow(spool, cut), beginNow(spool, ended)] as const;
  spool.amend(handles[0], { ...cut, provider: 'other', quota: '0,7,8,9' });
  spool.amend(handles[1], { ...ended, provider: 'other' });
  settleNow(spool, handles[1], ended);
  spool.close();
  const recovered: RequestRecord[] = [];
  const next = open(t, { directory, onRecovered: (record) => recovered.push(record) });
  assert.deepEqual(
    recovered.map(({ request_id, provider, quota }) => [request_id, provider, quota]),
    [[cut.request_id, 'other', '0,7,8,9']],
  );
  assert.equal(next.depth, 2);
});

test('a call waits from its settlement until it is removed', (t) => {
  const spool = open(t);
  const handle = beginNow(spool, intent());
  assert.deepEqual([spool.take('calls', 10), spool.depth], [[], 0]);
  const record = makeRecord(organizationId, { response_id: 'resp_1' });
  settleNow(spool, handle, record, Buffer.from('said'));
  const rows = spool.take('calls', 10);
  assert.deepEqual(
    rows.map(({ id, row, sealed }) => [id, recordOf(String(row)), String(sealed)]),
    [[handle, record, 'said']],
  );
  assert.equal(spool.depth, 1);
  spool.remove('calls', rows);
  assert.deepEqual([spool.take('calls', 10), spool.depth], [[], 0]);
});

test('a mark is passed once all records from before it have left, whatever came since', (t) => {
  const spool = open(t);
  assert.ok(spool.hasLeft(spool.mark()));
  const first = settle(spool, intent());
  spool.rate(makeRating(first.request_id, first.started_at));
  const mark = spool.mark();
  settle(spool, intent());
  const calls = spool.take('calls', 10);
  assert.deepEqual(spool.take('calls', 10, new Set(calls.slice(0, 1).map(({ id }) => id))), calls.slice(1));
  spool.remove('calls', calls.slice(1));
  assert.ok(!spool.hasLeft(mark));
  spool.remove('calls', calls.slice(0, 1));
  assert.ok(!spool.hasLeft(mark));
  spool.remove('ratings', spool.take('ratings', 10));
  settle(spool, intent());
  assert.ok(spool.hasLeft(mark));
});

test('a call is found by either id, while it waits and afterwards', (t) => {
  const directory = makeDirectory(t);
  const spool = openSpool({ directory });
  const record = settle(spool, makeRecord(organizationId, { response_id: 'resp_1', api_key_id: 'key' }));
  const reference = {
    requestId: record.request_id,
    responseId: 'resp_1',
    userId: record.user_id,
    sessionId: record.session_id,
    apiKeyId: 'key',
    place: null,
  };
  const find = () => [spool.find(record.request_id), spool.find('resp_1'), spool.find('resp_2')];
  assert.deepEqual(find(), [reference, reference, undefined]);
  const handle = beginNow(spool, intent({ request_id: 'req_open' }));
  assert.equal(spool.find('req_open'), undefined);
  assert.ok(handle > 0);
  spool.remove('calls', spool.take('calls', 1));
  assert.deepEqual(find(), [reference, reference, undefined]);
  spool.close();
});

test('the record of a call can be read while it waits, also after a restart', (t) => {
  const directory = makeDirectory(t);
  const before = openSpool({ directory });
  const [record, other] = [settle(before), settle(before)];
  before.rate(makeRating(other.request_id));
  assert.deepEqual(before.findWaiting(record.request_id)?.record, record);
  before.close();
  const spool = openSpool({ directory });
  const find = () => [record, other].map(({ request_id }) => spool.findWaiting(request_id)?.record);
  assert.deepEqual(find(), [record, other]);
  spool.remove('calls', spool.take('calls', 1));
  assert.deepEqual(find(), [undefined, other]);
  spool.remove('ratings', spool.take('ratings', 1));
  assert.deepEqual(find(), [undefined, other]);
  assert.equal(spool.findWaiting('req_unknown'), undefined);
  spool.close();
});

test('all waiting records are found, whatever their number', (t) => {
  const spool = open(t);
  const first = settle(spool, makeRecord(organizationId, { response_id: 'resp_first' }));
  for (let index = 0; index < 10_500; index += 1) {
    settle(spool, makeRecord(organizationId, { response_id: `resp_${index}` }));
  }
  assert.equal(spool.find('resp_first')?.requestId, first.request_id);
  for (let index = 10_500; index < 20_100; index += 1) settle(spool);
  assert.equal(spool.find('resp_first')?.requestId, first.request_id);
  assert.equal(spool.find('resp_none'), undefined);
});

test('waiting records survive the end of the process, and are found again', (t) => {
  const directory = makeDirectory(t);
  const before = openSpool({ directory });
  const record = settle(before, makeRecord(organizationId, { response_id: 'resp_1' }));
  const rating = makeRating(record.request_id);
  before.rate(rating);
  before.close();
  const spool = openSpool({ directory });
  assert.equal(spool.depth, 2);
  assert.deepEqual(recordOf(String(spool.take('calls', 1)[0]?.row)), record);
  assert.deepEqual(JSON.parse(String(spool.take('ratings', 1)[0]?.row)), rating);
  assert.equal(spool.find('resp_1')?.requestId, record.request_id);
  spool.close();
});

test('a full spool refuses further calls until there is room', (t) => {
  const spool = open(t, { maxBytes: 700 });
  const late = beginNow(spool, intent());
  while (spool.depth < 3) settle(spool, makeRecord(organizationId));
  spool.rate(makeRating('req_1'));
  assert.throws(() => beginNow(spool, intent()), { name: 'SpoolError', code: 'full' });
  // What has gone upstream must be accounted for, full or not.
  settleNow(spool, late, makeRecord(organizationId));
  assert.equal(spool.depth, 5);
  spool.remove('calls', spool.take('calls', 10));
  spool.remove('ratings', spool.take('ratings', 10));
  assert.equal(spool.depth, 0);
  settle(spool);
});

test('a spool limits waiting records to a fifth of its directory’s limit, and its files to the whole', () => {
  assert.deepEqual(spoolBoundsOf(5 * 1024 ** 3), { maxBytes: 1024 ** 3, maxFileBytes: 4 * 1024 ** 3 });
});

test('a settlement that the full volume refuses is written as soon as there is room', async (t) => {
  const failures: unknown[] = [];
  const spool = open(t, { maxFileBytes: 256 * 1024, onWriteFailure: (error) => failures.push(error) });
  const handle = beginNow(spool, intent());
  const large = Buffer.alloc(50_000, 'x');
  let fill = beginNow(spool, intent());
  while (failures.length === 0) {
    settleNow(spool, fill, makeRecord(organizationId), large);
    if (failures.length === 0) fill = beginNow(spool, intent());
  }
  settleNow(spool, handle, makeRecord(organizationId, { response_id: 'resp_late' }), large);
  const written = spool.depth;
  assert.equal(spool.find('resp_late')?.responseId, 'resp_late');
  spool.remove('calls', spool.take('calls', 10));
  await until(() => spool.depth === 2, 'both settlements to be written');
  assert.ok(written > 0);
  assert.ok(spool.take('calls', 10).some(({ row }) => row.includes('resp_late')));
});

test('a spool that has filled its volume goes on once its records are copied', {
  skip: volumesLack() ?? false,
}, async (t) => {
  const directory = join(mountVolume(t, '3m').directory, 'spool');
  const spool = open(t, { directory });
  const long = beginNow(spool, intent({ request_id: 'req_long' }));
  const large = Buffer.alloc(50_000, 'x');
  let refusal: unknown;
  while (refusal === undefined) {
    try {
      settleNow(spool, beginNow(spool, intent()), makeRecord(organizationId), large);
    } catch (error) {
      refusal = error;
    }
  }
  assert.ok(refusal instanceof Error && 'code' in refusal && refusal.code === 'unwritable', String(refusal));
  // What is under way has room, so that nothing is lost if the process ends now.
  settleNow(spool, long, makeRecord(organizationId, { request_id: 'req_long' }));
  assert.equal(spool.hasLeft(-1), true, 'a settlement is only in memory');
  for (;;) {
    const rows = spool.take('calls', 100);
    if (rows.length === 0) break;
    spool.remove('calls', rows);
  }
  await until(() => {
    try {
      return settle(spool);
    } catch {
      return false;
    }
  }, 'calls to be made again');
});

test('a long call does not keep the files of the calls that ended meanwhile', (t) => {
  const directory = makeDirectory(t);
  const spool = openSpool({ directory });
  const long = beginNow(spool, intent({ request_id: 'req_long' }));
  const large = Buffer.alloc(100_000, 'x');
  for (let count = 0; count < 500; count += 1) {
    settle(spool, makeRecord(organizationId), large);
    if (count % 10 === 9) spool.remove('calls', spool.take('calls', 100));
  }
  const size = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  assert.ok(size < 10_000_000, `${size} bytes are kept`);
  settleNow(spool, long, makeRecord(organizationId, { request_id: 'req_long' }));
  assert.deepEqual(
    spool.take('calls', 10).map(({ row }) => recordOf(String(row)).request_id),
    ['req_long'],
  );
  spool.close();
});

test('records that do not fit into memory are read again when their turn comes', (t) => {
  const directory = makeDirectory(t);
  const spool = openSpool({ directory });
  const large = Buffer.alloc(2 * 1024 * 1024, 'é');
  for (let count = 0; count < 50; count += 1) {
    settle(spool, makeRecord(organizationId, { request_id: `req_${count}` }), large);
  }
  for (let count = 0; spool.depth > 0; ) {
    const rows = spool.take('calls', 500);
    for (const { row, sealed } of rows) {
      const { request_id } = recordOf(String(row));
      assert.deepEqual([request_id, sealed.equals(large)], [`req_${count}`, true]);
      count += 1;
    }
    spool.remove('calls', rows);
  }
  spool.close();
});

test('a batch has hardly more than a megabyte', (t) => {
  const spool = open(t);
  const large = Buffer.alloc(800 * 1024, 'x');
  for (let count = 0; count < 5; count += 1) settle(spool, makeRecord(organizationId), large);
  assert.equal(spool.take('calls', 500).length, 2);
});

test('a row that is set aside no longer waits, and is kept with the reason', (t) => {
  const directory = makeDirectory(t);
  const spool = openSpool({ directory });
  settle(spool, makeRecord(organizationId), Buffer.from('said'));
  const [row] = spool.take('calls', 1);
  assert.ok(row);
  spool.setAside('calls', row, 'no such month');
  assert.deepEqual([spool.depth, spool.take('calls', 1)], [0, []]);
  spool.close();
  const aside = readFileSync(join(directory, 'set-aside.jsonl'), 'utf8');
  assert.deepEqual(JSON.parse(aside), {
    table: 'calls',
    reason: 'no such month',
    record: jsonOf(row.row),
    sealed: Buffer.from('said').toString('base64'),
  });
});

test('only the owner may read the file of set-aside records, also one from an earlier version', (t) => {
  const directory = makeDirectory(t);
  const file = join(directory, 'set-aside.jsonl');
  const modeOf = () => statSync(file).mode & 0o777;
  const spool = openSpool({ directory });
  settle(spool);
  const [row] = spool.take('calls', 1);
  assert.ok(row);
  spool.setAside('calls', row, 'no such month');
  assert.equal(modeOf(), 0o600);
  spool.close();
  chmodSync(file, 0o644);
  openSpool({ directory }).close();
  assert.equal(modeOf(), 0o600);
});

test('the oldest age covers calls and ratings', (t) => {
  const spool = open(t);
  assert.equal(spool.oldestAtMs(), undefined);
  spool.rate(makeRating('req_1', '2026-01-02T00:00:00.000Z'));
  assert.equal(spool.oldestAtMs(), Date.parse('2026-01-02T00:00:00.000Z'));
  settle(spool, makeRecord(organizationId, { started_at: '2026-01-01T00:00:00.000Z' }));
  assert.equal(spool.oldestAtMs(), Date.parse('2026-01-01T00:00:00.000Z'));
});

test('the oldest age is known even if a record cannot be read', (t) => {
  const directory = makeDirectory(t);
  const spool = open(t, { directory });
  settle(spool);
  truncateSync(join(directory, '0000000001.spool'));
  assert.equal(spool.oldestAtMs(), undefined);
});

test('whatever byte of the files is changed, the call is known whose record it is, and so are all others', (t) => {
  const directory = makeDirectory(t);
  const file = join(directory, '0000000001.spool');
  const spool = openSpool({ directory });
  const records = Array.from({ length: 12 }, (_, number) => settle(spool, undefined, Buffer.alloc(40, number)));
  spool.close();
  const bytes = readFileSync(file);
  const offsets = fc.integer({ min: 0, max: bytes.length - 1 });
  fc.assert(
    fc.property(offsets, fc.integer({ min: 1, max: 255 }), (offset, change) => {
      const changed = Buffer.from(bytes);
      changed[offset] = (changed[offset] ?? 0) ^ change;
      rmSync(directory, { recursive: true });
      mkdirSync(directory);
      writeFileSync(file, changed);
      const damages: string[] = [];
      const options = { directory, onUnreadable: (_: unknown, { message }: Error) => void damages.push(message) };
      for (const start of [1, 2]) {
        const next = openSpool(options);
        const found = next.take('calls', 100).map(({ row }) => recordOf(String(row)));
        next.close();
        assert.deepEqual(
          found.map((record) => record.request_id).sort(),
          records.map((record) => record.request_id).sort(),
          `start ${start}`,
        );
        assert.ok(found.filter(({ status }) => status === 'interrupted').length <= 1);
        // A changed last frame may look like one that a killed process has torn.
        assert.ok(damages.length <= 1, damages.join());
      }
    }),
    { numRuns: propertyRuns(40) },
  );
});

test('a damaged part of a file is noted once, beside the spool', (t) => {
  const directory = makeDirectory(t);
  const spool = openSpool({ directory });
  for (let number = 0; number < 3; number += 1) settle(spool);
  spool.close();
  const file = join(directory, '0000000001.spool');
  const bytes = readFileSync(file);
  bytes[1] = 0x70;
  writeFileSync(file, bytes);
  for (let start = 0; start < 2; start += 1) openSpool({ directory }).close();
  const lines = readFileSync(join(directory, 'set-aside.jsonl'), 'utf8').trim().split('\n');
  assert.equal(lines.length, 1);
  assert.match(JSON.parse(lines[0] ?? '').reason, /^\d+ bytes at 0 in file 1 are damaged$/);
});

test('a listener is told of each settlement and rating', (t) => {
  const spool = open(t);
  let told = 0;
  spool.onWaiting = () => {
    told += 1;
  };
  beginNow(spool, intent());
  assert.equal(told, 0);
  settle(spool);
  spool.rate(makeRating('req_1'));
  assert.equal(told, 2);
});

/** Fills a file of the spool, so that the next frame begins another one. */
const fillFile = (spool: Spool) => settle(spool, makeRecord(organizationId), Buffer.alloc(17 * 1024 * 1024));

/** Takes all waiting calls of a spool that is opened again. @returns their statuses, and which it takes for interrupted */
function reopen(t: TestContext, directory: string) {
  const recovered: string[] = [];
  const spool = open(t, { directory, onRecovered: ({ request_id }) => recovered.push(request_id) });
  const statuses: Record<string, string> = {};
  while (spool.depth > 0) {
    const rows = spool.take('calls', 100);
    for (const { request_id, status } of rows.map(({ row }) => recordOf(String(row)))) statuses[request_id] = status;
    spool.remove('calls', rows);
  }
  return { recovered, statuses };
}

test('calls that end in the turn in which a file is full have ended after a restart', (t) => {
  const directory = makeDirectory(t);
  const spool = openSpool({ directory });
  const records = ['req_1', 'req_2', 'req_3'].map((request_id) => makeRecord(organizationId, { request_id }));
  const handles = records.map(({ request_id }) => beginNow(spool, intent({ request_id })));
  const filler = fillFile(spool);
  for (const [at, record] of records.entries()) spool.settle(handles[at] ?? 0, record, undefined, () => {});
  spool.close();
  const { recovered, statuses } = reopen(t, directory);
  assert.deepEqual(recovered, []);
  const completed = [filler, ...records].map(({ request_id }) => [request_id, 'completed']);
  assert.deepEqual(statuses, Object.fromEntries(completed));
});

test('a call whose end has left the spool does not begin again from an older file', (t) => {
  const directory = makeDirectory(t);
  const spool = openSpool({ directory });
  const [withdrawn, deferred, settled] = ['req_1', 'req_2', 'req_3'].map((request_id) => {
    const record = intent({ request_id });
    return { record, handle: beginNow(spool, record) };
  });
  assert.ok(withdrawn && deferred && settled);
  const { request_id: filler } = fillFile(spool);
  spool.withdraw(withdrawn.handle);
  spool.defer(deferred.handle, { ...deferred.record, response_id: 'resp_2', input_sealed: null, output_sealed: null });
  settleNow(spool, settled.handle, makeRecord(organizationId, { request_id: 'req_3' }));
  spool.remove('pending', spool.take('pending', 10));
  const ofFiller = spool.take('calls', 1).map(({ id }) => id);
  spool.remove('calls', spool.take('calls', 1, new Set(ofFiller)));
  spool.close();
  assert.deepEqual(reopen(t, directory), { recovered: [], statuses: { [filler]: 'completed' } });
  assert.deepEqual(filesOf(directory), [0]);
});

test('a second process is refused with the reason', (t) => {
  const directory = makeDirectory(t);
  const spool = openSpool({ directory });
  assert.throws(() => openSpool({ directory }), { message: /^The spool in .* is another proxy using it\?$/ });
  settle(spool);
  spool.close();
  openSpool({ directory }).close();
});

test('the spool contains what its model contains after any sequence of operations', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('begin' as const) }),
    fc.record({ do: fc.constant('settle' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('remove' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('reopen' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const directory = mkdtempSync(join(tmpdir(), 'chaperone-spool-'));
      let spool = openSpool({ directory });
      const open = new Map<number, RequestRecord>();
      const waiting = new Map<number, RequestRecord>();
      const pick = (map: ReadonlyMap<number, RequestRecord>, which: number) =>
        [...map].sort(([a], [b]) => a - b)[which % Math.max(1, map.size)];
      for (const action of steps) {
        if (action.do === 'begin') {
          const record = intent();
          open.set(beginNow(spool, record), record);
        } else if (action.do === 'reopen') {
          spool.close();
          spool = openSpool({ directory });
          for (const [id, record] of open) waiting.set(id, { ...record, error_code: 'process_ended' });
          open.clear();
        } else {
          const [id, record] = pick(action.do === 'settle' ? open : waiting, action.which) ?? [];
          if (id === undefined || record === undefined) continue;
          if (action.do === 'settle') {
            settleNow(spool, id, { ...record, status: 'completed' });
            waiting.set(id, { ...record, status: 'completed' });
            open.delete(id);
          } else {
            spool.remove('calls', [{ id, row: Buffer.alloc(0), sealed: Buffer.alloc(0) }]);
            waiting.delete(id);
          }
        }
        assert.equal(spool.depth, waiting.size);
        const taken = spool.take('calls', 100).map(({ id, row }): [number, unknown] => [id, recordOf(String(row))]);
        assert.deepEqual(
          taken.sort(([a], [b]) => a - b),
          [...waiting].sort(([a], [b]) => a - b),
        );
      }
      spool.close();
      rmSync(directory, { recursive: true });
    }),
    { numRuns: propertyRuns(30) },
  );
});

test('a killed process loses no settled call, and its open ones are interrupted', async (t) => {
  const directory = makeDirectory(t);
  const writer = join(import.meta.dirname, 'writer.ts');
  const child = spawn(process.execPath, [writer, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  const begun = new Set<string>();
  const settled = new Map<string, number>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, requestId = '', tokens] = line.split(' ');
    if (what === 'begun') begun.add(requestId);
    else settled.set(requestId, Number(tokens));
    if (settled.size === 300) child.kill('SIGKILL');
  }
  const spool = openSpool({ directory });
  atEnd(t, () => spool.close());
  const records = spool.take('calls', 100_000).map(({ row }) => recordOf(String(row)));
  const byId = new Map(records.map((record) => [record.request_id, record]));
  assert.equal(byId.size, records.length);
  for (const requestId of begun) {
    const record = byId.get(requestId);
    const tokens = settled.get(requestId);
    // A call may have been settled and not yet told of, but not the other way round.
    if (tokens !== undefined) assert.deepEqual([record?.status, record?.total_tokens], ['completed', tokens]);
    else if (record?.status !== 'completed') {
      assert.deepEqual(
        [record?.status, record?.error_code, record?.total_tokens],
        ['interrupted', 'process_ended', null],
      );
    }
  }
  const interrupted = records.filter(({ status }) => status === 'interrupted').length;
  assert.ok(interrupted >= 50, `${interrupted} interrupted`);
  assert.equal(spool.depth, records.length);
});
