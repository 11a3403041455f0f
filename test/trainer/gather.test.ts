import assert from 'node:assert/strict';
import { connect, Socket } from 'node:net';
import { test } from 'node:test';

import { join, openMeeting } from '../../trainer/group/gather.ts';
import { freePort } from '../free-port.ts';

test('a pod whose first pod was replaced does not wait for an address where nobody answers', async (t) => {
  const port = await freePort();
  const meeting = await openMeeting('job', 2, port);
  t.after(() => meeting.close());
  let tries = 0;
  // A socket that is never connected is as one whose packets go nowhere.
  const open = () => (++tries === 1 ? new Socket() : connect(port, '127.0.0.1'));
  const joined = join({ host: '127.0.0.1', port }, { jobId: 'job', rank: 1 }, open, 1_000);
  const [member] = await meeting.gather();
  assert.ok(member);
  assert.ok(tries > 1);
  await member.send('begin', Buffer.from('now'));
  const leader = await joined;
  assert.equal((await leader.expect('begin')).toString(), 'now');
  leader.destroy();
  member.destroy();
});
