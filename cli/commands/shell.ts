import { Argument, type Command } from 'commander';

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description(
      'Print the script by which a shell completes these commands. To load it: source <(chaperone completion bash)',
    )
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(['bash', 'zsh', 'fish']))
    .action(async (shell) => (await import('../completion.ts')).completion(shell, program));
}
