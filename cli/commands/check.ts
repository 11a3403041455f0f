import { type Command, Option } from 'commander';
import { collectImage, ownVersion, parseNames, parseWait } from './options.ts';

export function addCheck(program: Command): void {
  program
    .command('check')
    .description(
      'Check an installation in a cluster, or a running `chaperone up`, and say what to do about each fault.',
    )
    .option('--pre', 'before an install or upgrade: check whether it can succeed')
    .option('--image <name>', 'with --pre: an image that the install needs; repeat it for several', collectImage, [])
    .option(
      '--pull-images',
      'with --pre: make a node pull the images, by pods that start nothing and are deleted at once',
    )
    .option(
      '--image-pull-secrets <names>',
      "with --pre: pull Secrets in the operator's namespace, separated by commas",
      parseNames,
    )
    .option('--namespace <name>', "the operator's namespace", 'chaperone-system')
    .option('--in <namespace>', 'check only the bindings, personas and pods of this namespace')
    .option('--kubeconfig <file>', 'the kubeconfig file (default: as kubectl finds it)')
    .option('--context <name>', "the kubeconfig's context (default: its current one)")
    .option('--data <directory>', 'check the `chaperone up` with this data directory (default without a kubeconfig)')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'short', 'json']).default('table'))
    .option(
      '--wait <duration>',
      'repeat the check until nothing fails, for at most this long, such as 60s',
      parseWait,
      0,
    )
    .action(async ({ wait: waitMs, ...options }) => {
      const { check } = await import('../check.ts');
      await check({ ...options, waitMs }, process.env, ownVersion(program));
    });
}
