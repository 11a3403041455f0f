// Fills a spool and copies it to Postgres, as a proxy does. Started with the organization's id, its database URL, a
// directory for the spool and the number of records; sends how long it took.
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { makeFolder } from '../../proxy/spool/fold.ts';
import { startShipper } from '../../proxy/spool/ship.ts';
import { openSpool } from '../../proxy/spool/spool.ts';
import { makeStore } from '../../proxy/store.ts';
import { makeRecord } from './record.ts';

const [organizationId = '', databaseUrl = '', directory = '', count = ''] = process.argv.slice(2);
const records = Number(count);
/** An answer and a question of one kilobyte, sealed. */
const sealed = randomBytes(2_100);
const timeoutMs = 600_000;

const spool = openSpool({ directory });
const log = pino({ level: 'warn' });
for (let index = 0; index < records; index += 1) {
  const record = makeRecord(organizationId, index);
  const handle = spool.begin(record, () => {});
  spool.settle(handle, record, sealed, () => {});
  if (index % 100 === 99) spool.writeNow();
}
spool.writeNow();

const openStore = () => makeStore({ databaseUrl: () => databaseUrl, log });
const store = openStore();
const folder = makeFolder({ store, log });
const startedAt = performance.now();
const shipper = startShipper({ spool, store, openStore, organizationId, log, onShipped: folder.onShipped });
const arrived = await shipper.flush(timeoutMs);
const seconds = (performance.now() - startedAt) / 1_000;
await shipper.stop();
folder.stop();
await store.close();
spool.close();
process.send?.({ arrived, seconds });
