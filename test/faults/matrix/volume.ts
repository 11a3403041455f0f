import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd, type Scope } from '../../scope.ts';

/** A small volume of its own, which can be full or read-only without anybody else noticing. */
export interface Volume {
  readonly directory: string;
  setReadOnly(readOnly: boolean): void;
}

let canMount: boolean | undefined;

/** Why volumes cannot be mounted here. */
export function volumesLack(): string | undefined {
  canMount ??=
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
  return canMount ? undefined : 'it needs to be root, and to mount volumes';
}

/** @param size as mount takes it, such as `4m` */
export function mountVolume(scope: Scope, size: string): Volume {
  const directory = mkdtempSync(join(tmpdir(), 'chaperone-volume-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'chaperone-test', directory]);
  atEnd(scope, () => {
    // Whoever still has files open there keeps them until it ends.
    execFileSync('umount', ['--lazy', directory]);
    rmdirSync(directory);
  });
  return {
    directory,
    setReadOnly: (readOnly) =>
      void execFileSync('mount', ['-o', `remount,${readOnly ? 'ro' : 'rw'}`, directory], { stdio: 'pipe' }),
  };
}
