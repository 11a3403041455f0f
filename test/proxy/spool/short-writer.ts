// A process whose files may have some kilobytes: begins one call, then more in one turn than fit, then one that fits.
import { writeSync } from 'node:fs';
import { openSpool } from '../../../proxy/spool/spool.ts';
import { makeRecord } from '../../request-record.ts';

const organizationId = 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11';
const spool = openSpool({ directory: process.argv[2] ?? '' });

function begin(requestIds: readonly string[]): void {
  const codes = new Set<string>();
  let refused = 0;
  for (const request_id of requestIds) {
    spool.begin(makeRecord(organizationId, { request_id }), (error) => {
      if (!error) return;
      refused += 1;
      codes.add(error.code);
    });
  }
  spool.writeNow();
  writeSync(1, `${JSON.stringify({ refused, codes: [...codes] })}\n`);
}

begin(['req_before']);
begin(Array.from({ length: 40 }, (_, index) => `req_${index}`));
begin(['req_after']);
