import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { makeLevelSwitch } from '../../../proxy/logs/level-switch.ts';

const makeLog = (level: string) => pino({ level }, { write: () => {} });

test('the configuration states the level, and else it is as it was', () => {
  const log = makeLog('warn');
  const levels = makeLevelSwitch(log);
  levels.state('error');
  assert.equal(log.level, 'error');
  levels.state(undefined);
  assert.equal(log.level, 'warn');
});

test('debug can be switched on and off, whatever the configuration states meanwhile', () => {
  const log = makeLog('info');
  const levels = makeLevelSwitch(log);
  levels.toggleDebug();
  assert.equal(log.level, 'debug');
  levels.state('error');
  assert.equal(log.level, 'debug');
  levels.toggleDebug();
  assert.equal(log.level, 'error');
});

test('a child has a level of its own, and follows debug until it is closed', () => {
  const log = makeLog('info');
  const levels = makeLevelSwitch(log);
  const first = log.child({ organization: 'a' });
  const ofFirst = levels.child(first);
  ofFirst.state('warn');
  assert.deepEqual([log.level, first.level], ['info', 'warn']);
  levels.toggleDebug();
  assert.deepEqual([log.level, first.level], ['debug', 'debug']);
  const second = log.child({ organization: 'b' });
  const ofSecond = levels.child(second);
  levels.toggleDebug();
  assert.deepEqual([log.level, first.level, second.level], ['info', 'warn', 'info']);
  ofFirst.close();
  levels.toggleDebug();
  assert.deepEqual([first.level, second.level], ['warn', 'debug']);
  ofSecond.close();
});
