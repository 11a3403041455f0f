import { globSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../../../directories.ts';
import type { Fault, Strike } from '../fault.ts';

const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1');
const lacks = () => (library === undefined ? "it needs Debian's libfaketime" : undefined);

/** Moves the wall clock of one proxy, to these hours from now in turn. Its monotonic clock goes on. */
async function step(strike: Strike, ...hours: readonly number[]): Promise<void> {
  const file = join(await makeDirectory(strike.scope), 'time');
  const move = (by: number) => writeFile(file, `${by >= 0 ? '+' : ''}${by}h\n`);
  await move(0);
  const proxy = await strike.startProxy({
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
    },
  });
  strike.use(proxy);
  await strike.answers(30);
  for (const by of [...hours, 0]) {
    await move(by);
    await strike.answers(60);
  }
}

/** A new proxy denies what it cannot count yet; a day later, a session has lasted for too long. */
const refusals = ['quota_unavailable', 'session_expired'];

export const clock: readonly Fault[] = [
  {
    name: 'the clock is an hour ahead, and then right again',
    isCore: true,
    lacks,
    strike: (strike) => step(strike, 1),
  },
  {
    name: 'the clock is an hour behind, and then right again',
    lacks,
    strike: (strike) => step(strike, -1),
  },
  { name: 'the clock jumps to and fro by a day', lacks, refusals, strike: (strike) => step(strike, 24, -24, 24, -24) },
];
