import type { Command } from 'commander';
import { renderBash } from './completion/bash.ts';
import { describeCommand } from './completion/describe.ts';
import { renderFish } from './completion/fish.ts';
import { renderZsh } from './completion/zsh.ts';

export const shells = { bash: renderBash, zsh: renderZsh, fish: renderFish } as const;

/** `chaperone completion`: prints the script by which a shell completes the commands of this version. */
export function completion(shell: keyof typeof shells, program: Command): void {
  process.stdout.write(shells[shell](describeCommand(program)));
}
