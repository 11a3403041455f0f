import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Activity, makeIdleRule } from '../../proxy/idle-garbage.ts';

const mb = 1024 * 1024;
const at = (busyMs: number, usedMb: number): Activity => ({ busyMs, usedBytes: usedMb * mb });

const lives: readonly { readonly name: string; readonly looks: readonly Activity[]; readonly collects: string }[] = [
  { name: 'a proxy collects what its start left, once', looks: [at(3, 20), at(3, 15), at(3, 16)], collects: '+--' },
  { name: 'a proxy with calls from the start waits', looks: [at(80, 20), at(600, 60), at(3, 60)], collects: '--+' },
  { name: 'a busy proxy leaves it to V8', looks: [at(3, 20), at(600, 60), at(900, 70)], collects: '+--' },
  {
    name: 'a proxy that becomes idle collects once',
    looks: [at(3, 20), at(3, 15), at(600, 60), at(3, 60), at(3, 21), at(3, 21)],
    collects: '+--+--',
  },
  {
    name: 'little garbage is not worth it',
    looks: [at(3, 20), at(3, 20), at(600, 23), at(3, 23), at(3, 23)],
    collects: '+----',
  },
  {
    name: 'what is left after a collection is in use, and not collected for again',
    looks: [at(3, 20), at(3, 20), at(600, 60), at(3, 60), at(3, 40), at(3, 40)],
    collects: '+--+--',
  },
  {
    name: 'each time of load is collected for',
    looks: [at(3, 20), at(3, 20), at(600, 60), at(3, 60), at(3, 21), at(600, 50), at(3, 50)],
    collects: '+--+--+',
  },
];

for (const { name, looks, collects } of lives) {
  test(name, () => {
    const isDue = makeIdleRule(1);
    assert.equal(looks.map((activity) => (isDue(activity) ? '+' : '-')).join(''), collects);
  });
}

test('garbage is not collected in the short pause between two calls', () => {
  const isDue = makeIdleRule(3);
  const looks = [at(3, 20), at(3, 20), at(600, 40), at(3, 40), at(3, 40), at(600, 60), at(3, 60), at(3, 60), at(3, 60)];
  assert.equal(looks.map((activity) => (isDue(activity) ? '+' : '-')).join(''), '--------+');
});
