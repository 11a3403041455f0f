import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { openScreen } from '../../../cli/top/screen.ts';

/** A terminal that keeps what is written to it. */
function makeTerminal() {
  const written: string[] = [];
  const modes: boolean[] = [];
  const output = Object.assign(new EventEmitter(), {
    columns: 80,
    rows: 24,
    write: (text: string) => {
      written.push(text);
      return true;
    },
  });
  const events = new EventEmitter();
  const input = Object.assign(events, {
    setRawMode: (isRaw: boolean) => void modes.push(isRaw),
    resume: () => {},
    pause: () => {},
  });
  return { written, modes, output, input };
}

test('a screen is drawn in one piece, tells keys one by one, and leaves the terminal as it was', () => {
  const { written, modes, output, input } = makeTerminal();
  const keys: string[] = [];
  let resized = 0;
  const screen = openScreen({
    output: output as never,
    input: input as never,
    onKey: (key) => keys.push(key),
    onResize: () => {
      resized += 1;
    },
  });
  assert.deepEqual(screen.size(), { columns: 80, rows: 24 });
  screen.draw(['one', 'two']);
  assert.equal(written.at(-1), '\u001b[?2026h\u001b[Hone\u001b[K\r\ntwo\u001b[K\u001b[J\u001b[?2026l');
  input.emit('data', Buffer.from('\tsq'));
  input.emit('data', Buffer.from('\u001b[A'));
  input.emit('data', Buffer.from('\u0003'));
  assert.deepEqual(keys, ['tab', 's', 'q', 'ctrl-c']);
  output.emit('resize');
  assert.equal(resized, 1);
  screen.close();
  screen.close();
  screen.draw(['late']);
  assert.equal(written.at(-1), '\u001b[?25h\u001b[?1049l');
  assert.deepEqual(modes, [true, false]);
  assert.equal(input.listenerCount('data') + output.listenerCount('resize'), 0);
});
