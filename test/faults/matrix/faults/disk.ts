import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../../../until.ts';
import type { Fault, Strike } from '../fault.ts';
import { endProxy, untilReady } from '../kill.ts';
import { mountVolume, volumesLack } from '../volume.ts';

/** Has records wait in the spool of a new proxy, ends it, and gives a new one what is left after `damage`. */
async function damageSpool(strike: Strike, damage: (file: string) => Promise<void>): Promise<void> {
  const first = await strike.startProxy();
  strike.use(first);
  await strike.answers(20);
  await strike.databaseRelay.close();
  await strike.answers(120);
  await strike.load.pause();
  await endProxy(first);
  const files = (await readdir(first.dataDirectory)).filter((name) => name.endsWith('.spool')).sort();
  const last = files.at(-1);
  if (last === undefined) throw new Error('There is no file in the spool');
  await damage(join(first.dataDirectory, last));
  const second = await strike.startProxy({ dataDirectory: first.dataDirectory });
  strike.use(second);
  strike.forget(first);
  strike.load.goOn();
  await strike.answers(40);
  await strike.databaseRelay.open();
}

/** Where the frames of a file begin; see proxy/spool/frame.ts. */
function framesOf(bytes: Buffer): number[] {
  const offsets: number[] = [];
  for (let offset = 0; offset + 8 < bytes.length; offset += 8 + bytes.readUInt32BE(offset)) offsets.push(offset);
  return offsets;
}

const settlement = 2;

/** Changes a byte of every fifth settlement. The intents of these calls are whole. */
async function changeSettlements(file: string, at: number): Promise<void> {
  const bytes = await readFile(file);
  const settlements = framesOf(bytes).filter((offset) => bytes[offset + 8] === settlement);
  if (settlements.length < 20) throw new Error(`There are only ${settlements.length} settlements in the spool`);
  for (const [number, offset] of settlements.entries()) {
    if (number % 5 === 0) bytes[offset + at] = (bytes[offset + at] ?? 0) ^ 0x55;
  }
  await writeFile(file, bytes);
}

const cutAndUnknown = { cuts: true, unknowns: true };
const refusals = ['store_unavailable', 'quota_unavailable'];

export const disk: readonly Fault[] = [
  {
    name: 'the volume of the spool is slow',
    ...{ refusals },
    async strike(strike) {
      const { proxy } = strike;
      const slow = await strike.startProxy({
        environment: {
          NODE_OPTIONS: `--require=${join(import.meta.dirname, '..', 'slow-disk.cjs')}`,
          SLOW_DISK_MS: '200',
        },
      });
      strike.use(slow);
      const startedAt = performance.now();
      await strike.answers(60);
      // Each call waits for its intent at least.
      assert.ok(performance.now() - startedAt > 1_000, 'the volume was not slow');
      strike.use(proxy);
    },
  },
  {
    name: 'the volume of the spool is full',
    ...{ isCore: true, lacks: volumesLack, refusals: [...refusals, 'spool_unwritable', 'spool_full'] },
    async strike(strike) {
      const { directory } = mountVolume(strike.scope, '2m');
      const proxy = await strike.startProxy({ dataDirectory: join(directory, 'data') });
      strike.use(proxy);
      await strike.answers(20);
      await strike.databaseRelay.close();
      const refused = () => strike.load.seen.filter((call) => call.end === 'refused' && call.code.startsWith('spool_'));
      await until(() => refused().length >= 50, 'calls to be refused', 120_000);
      await strike.databaseRelay.open();
    },
  },
  {
    name: 'the proxy is killed while the volume of the spool is full',
    ...{ ...cutAndUnknown, lacks: volumesLack, refusals: [...refusals, 'spool_unwritable', 'spool_full'] },
    async strike(strike) {
      const { directory } = mountVolume(strike.scope, '2m');
      const first = await strike.startProxy({ dataDirectory: join(directory, 'data') });
      strike.use(first);
      await strike.answers(20);
      await strike.databaseRelay.close();
      const refused = () => strike.load.seen.filter((call) => call.end === 'refused' && call.code.startsWith('spool_'));
      await until(() => refused().length >= 50, 'calls to be refused', 120_000);
      await endProxy(first);
      await strike.databaseRelay.open();
      const second = await strike.startProxy({ dataDirectory: first.dataDirectory });
      strike.use(second);
      strike.forget(first);
    },
  },
  {
    name: 'the volume of the spool is read-only when the proxy starts again',
    ...{ ...cutAndUnknown, lacks: volumesLack, refusals },
    async strike(strike) {
      const volume = mountVolume(strike.scope, '16m');
      const proxy = await strike.startProxy({ dataDirectory: join(volume.directory, 'data') });
      strike.use(proxy);
      await strike.answers(20);
      const pid = proxy.pid() ?? 0;
      process.kill(pid, 'SIGKILL');
      await until(() => {
        try {
          volume.setReadOnly(true);
          return true;
        } catch {
          return false;
        }
      }, 'the volume to be read-only');
      await strike.calls(100);
      volume.setReadOnly(false);
      await untilReady(proxy);
    },
  },
  {
    name: 'the last frame of the spool is torn',
    ...{ ...cutAndUnknown, refusals },
    strike: (strike) =>
      damageSpool(strike, async (file) => {
        const bytes = await readFile(file);
        const last = framesOf(bytes).at(-1) ?? 0;
        await appendFile(file, bytes.subarray(last, last + Math.ceil((bytes.length - last) / 2)));
      }),
  },
  {
    name: 'bytes in the middle of the spool are changed',
    ...{ ...cutAndUnknown, isCore: true, refusals, damages: true },
    strike: (strike) => damageSpool(strike, (file) => changeSettlements(file, 40)),
  },
  {
    name: 'lengths in the middle of the spool are changed',
    ...{ ...cutAndUnknown, refusals, damages: true },
    strike: (strike) => damageSpool(strike, (file) => changeSettlements(file, 1)),
  },
];
