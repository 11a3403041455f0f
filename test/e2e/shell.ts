import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { run } from '../../scripts/cluster/run.ts';
import { repository, type Target } from '../../scripts/cluster/target.ts';
import type { Block } from '../documents.ts';

/** A shell in a clone of the repository, in which blocks of documents are run one after another. */
export interface Shell {
  /** @returns what it printed. @throws where a command fails */
  run(block: Pick<Block, 'document' | 'line' | 'text'>): Promise<string>;
  close(): Promise<void>;
}

/** What a block sets is there for the next ones; what it writes goes with the shell. */
export async function openShell({ env, kubectlPath }: Target): Promise<Shell> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-walk-'));
  for (const name of await readdir(repository)) {
    if (name !== '.git') await symlink(join(repository, name), join(directory, name));
  }
  const state = join(directory, '.state');
  await writeFile(state, '');
  const programs = kubectlPath.includes('/') ? `${dirname(kubectlPath)}${delimiter}` : '';
  const variables = { ...env, PATH: `${programs}${process.env.PATH}` };
  return {
    async run({ document, line, text }) {
      const script = `cd "$1"; set -a; . "$2"\n${text}\nexport -p > "$2"`;
      return run('bash', ['-euo', 'pipefail', '-c', script, `${document}:${line}`, directory, state], {
        env: variables,
      });
    },
    close: () => rm(directory, { recursive: true, force: true }),
  };
}
