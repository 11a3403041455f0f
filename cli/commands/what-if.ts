import { type Command, Option } from 'commander';
import { contextOption, databaseOption, dataOption, kubeconfigOption, namespaceOption } from './options.ts';

export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('Print what would happen to a call now, and which field of which resource decides. Nothing is sent.')
    .argument('<call>', 'what would be asked: an operation such as chat, or its path, such as /v1/chat/completions')
    .option('--organization <name>', 'the organization (default: the only one)')
    .option(
      '--body <file>',
      'a file with the body as JSON, or - for standard input (default: the least that is required)',
    )
    .option('--model <model>', 'in place of the model in the body')
    .option('--user <id>', 'whose call it would be')
    .option('--session <id>', 'its session (default: a new one)')
    .addOption(
      new Option('--level <level>', 'its X-Optimization-Level (default: none)').choices([
        'quality',
        'balanced',
        'speed',
      ]),
    )
    .option('--workload <namespace/name>', 'the pod that would call (default: none; on one machine, any)')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table'))
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (call, options) => (await import('../explain.ts')).explain({ ...options, call }, process.env));
}

export function addSimulate(program: Command): void {
  program
    .command('simulate')
    .description(
      'Replay the recorded calls against a changed Organization: what it would refuse, and what calls would cost.',
    )
    .requiredOption(
      '-f, --file <file>',
      'the changed Organization, perhaps with ApiKeyBindings, as YAML; - for standard input',
    )
    .option('--since <time>', 'the calls since then: 7d, 12h, 30m, or such as 2027-01-31T12:00:00Z', '7d')
    .option('--until <time>', 'the calls before then (default: now)')
    .option('--user <id>', 'report only the calls of this user')
    .option('--model <model>', 'report only the calls that asked for this model')
    .option('--organization <name>', 'the organization (default: the one in the file)')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table'))
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (options) => (await import('../simulate.ts')).simulate(options, process.env));
}
