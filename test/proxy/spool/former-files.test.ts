import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { joinSealed } from '../../../database/contents.ts';
import { recordOf } from '../../../database/request-lines.ts';
import type { RequestRecord } from '../../../database/requests.ts';
import { openSpool } from '../../../proxy/spool/spool.ts';
import { makeRecord } from '../../request-record.ts';
import { atEnd } from '../../scope.ts';
import { beginNow, settleNow } from '../../spool-now.ts';

const organizationId = 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11';
const said = joinSealed(Buffer.from('in'), Buffer.from('out'));

/** A line of an earlier version. */
function line(letter: string, id: number, record: RequestRecord, sealed = false): string {
  const contents = { input_sealed: sealed ? 'aW4=' : null, output_sealed: sealed ? 'b3V0' : null };
  return `${letter} ${id} ${JSON.stringify({ ...record, ...contents })}\n`;
}

/** The spool of an earlier version, over two files, whose process died while it wrote. */
function makeFormer(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'chaperone-former-spool-'));
  atEnd(t, () => rmSync(directory, { recursive: true, force: true }));
  const [arrived, settled, open, late] = ['req_arrived', 'req_settled', 'req_open', 'req_late'].map((request_id) =>
    makeRecord(organizationId, { request_id, response_id: `resp_${request_id}` }),
  );
  assert.ok(arrived && settled && open && late);
  writeFileSync(
    join(directory, '0000000001.log'),
    line('I', 1, arrived) + line('S', 1, arrived, true) + line('I', 2, settled) + line('I', 3, open),
  );
  writeFileSync(
    join(directory, '0000000002.log'),
    `A 1 \n${line('S', 2, settled, true)}${line('P', 4, late)}I 5 {"request_id":"req_to`,
  );
  return { directory, settled, open, late };
}

const files = (directory: string) => readdirSync(directory).filter((name) => /^\d/.test(name));

test('waiting records of an earlier version’s files are taken over, and its open calls are interrupted', (t) => {
  const { directory, settled, open, late } = makeFormer(t);
  const recovered: string[] = [];
  const spool = openSpool({ directory, onRecovered: ({ request_id }) => recovered.push(request_id) });
  assert.deepEqual(recovered, ['req_open']);
  const take = () => spool.take('calls', 10).map(({ row, sealed }) => [recordOf(String(row)), sealed.equals(said)]);
  assert.deepEqual(take(), [
    [settled, true],
    [{ ...open, status: 'interrupted', error_code: 'process_ended' }, false],
  ]);
  assert.equal(spool.findDeferred('resp_req_late')?.request_id, late.request_id);
  assert.equal(spool.find('resp_req_settled')?.requestId, 'req_settled');
  assert.deepEqual(spool.findWaiting('req_settled'), { record: settled, sealed: said });
  const further = makeRecord(organizationId, { request_id: 'req_further' });
  settleNow(spool, beginNow(spool, further), further);
  assert.deepEqual(
    spool.take('calls', 10).map(({ id }) => id),
    [2, 3, 5],
  );
  spool.close();
});

test('files of an earlier version are removed once all their records have arrived; until then each start reads them', (t) => {
  const { directory } = makeFormer(t);
  openSpool({ directory }).close();
  const spool = openSpool({ directory });
  atEnd(t, () => spool.close());
  assert.deepEqual(files(directory), ['0000000002.log', '0000000003.spool']);
  assert.equal(spool.depth, 3);
  spool.remove('calls', spool.take('calls', 10));
  assert.deepEqual(files(directory), ['0000000002.log', '0000000003.spool']);
  spool.remove('pending', spool.take('pending', 10));
  assert.deepEqual(files(directory), ['0000000003.spool']);
});

test('rows of an earlier version that have arrived are not sent again at the next start', (t) => {
  const { directory } = makeFormer(t);
  const before = openSpool({ directory });
  const arrived = before.take('calls', 10);
  const further = makeRecord(organizationId);
  settleNow(before, beginNow(before, further), further);
  before.remove('calls', arrived);
  before.close();
  const spool = openSpool({ directory });
  atEnd(t, () => spool.close());
  assert.deepEqual(
    spool.take('calls', 10).map(({ row }) => recordOf(String(row))),
    [further],
  );
  assert.equal(spool.take('pending', 10).length, 1);
});
