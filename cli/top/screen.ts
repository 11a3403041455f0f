import type { ReadStream, WriteStream } from 'node:tty';

export interface Key {
  /** Such as `q`, `tab` or `ctrl-c`. */
  readonly name: string;
}

export interface ScreenOptions {
  readonly output: Pick<WriteStream, 'write' | 'columns' | 'rows' | 'on' | 'off'>;
  /** Absent: keys cannot be read. */
  readonly input: Pick<ReadStream, 'setRawMode' | 'on' | 'off' | 'resume' | 'pause'> | undefined;
  readonly onKey: (key: string) => void;
  readonly onResize: () => void;
}

export interface Screen {
  size(): { readonly columns: number; readonly rows: number };
  draw(lines: readonly string[]): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

const names: Readonly<Record<string, string>> = { '\t': 'tab', '\u0003': 'ctrl-c', '\u001b': 'escape' };

/**
 * Takes the terminal: another screen, no cursor, keys one by one. A frame is written over the last one in one piece, so
 * nothing flickers.
 */
export function openScreen({ output, input, onKey, onResize }: ScreenOptions): Screen {
  let isClosed = false;
  const readKeys = (bytes: Buffer) => {
    const text = bytes.toString();
    // Arrows and the like come as one sequence, and mean nothing here.
    if (text.length > 1 && text.startsWith('\u001b')) return;
    for (const key of text) onKey(names[key] ?? key);
  };
  const close = () => {
    if (isClosed) return;
    isClosed = true;
    output.off('resize', onResize);
    process.off('exit', close);
    input?.off('data', readKeys);
    input?.setRawMode(false);
    input?.pause();
    output.write('\u001b[?25h\u001b[?1049l');
  };
  output.write('\u001b[?1049h\u001b[?25l\u001b[2J');
  output.on('resize', onResize);
  // Whatever ends the process, the terminal must be usable afterwards.
  process.on('exit', close);
  input?.setRawMode(true);
  input?.on('data', readKeys);
  input?.resume();
  return {
    size: () => ({ columns: output.columns, rows: output.rows }),
    draw(lines) {
      if (isClosed) return;
      const text = lines.map((line) => `${line}\u001b[K`).join('\r\n');
      output.write(`\u001b[?2026h\u001b[H${text}\u001b[J\u001b[?2026l`);
    },
    close,
  };
}
