// A process that writes into the spool of the directory named until it is killed, always with 50 calls open.
import { writeSync } from 'node:fs';
import { openSpool } from '../../../proxy/spool/spool.ts';
import { makeRecord } from '../../request-record.ts';
import { beginNow, settleNow } from '../../spool-now.ts';

const organizationId = 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11';
const spool = openSpool({ directory: process.argv[2] ?? '' });
const open: [number, string][] = [];
for (let tokens = 0; ; tokens += 1) {
  const record = makeRecord(organizationId, { status: 'interrupted', total_tokens: null });
  open.push([beginNow(spool, record), record.request_id]);
  writeSync(1, `begun ${record.request_id}\n`);
  if (open.length <= 50) continue;
  const [handle, requestId] = open.shift() ?? [0, ''];
  settleNow(spool, handle, { ...record, request_id: requestId, status: 'completed', total_tokens: tokens });
  writeSync(1, `settled ${requestId} ${tokens}\n`);
}
