import type { Command } from 'commander';
import {
  contextOption,
  databaseOption,
  dataOption,
  kubeconfigOption,
  namespaceOption,
  parseJobId,
  parsePeriod,
} from './options.ts';

export function addJobs(program: Command): void {
  program
    .command('jobs')
    .description('Look after background jobs; `chaperone get jobs` lists them.')
    .command('retry')
    .description('Try a job again that has no attempt left.')
    .argument('<id>', 'its id, as `chaperone get jobs --failed` shows it', parseJobId)
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (id, options) => (await import('../retry.ts')).retry({ ...options, id }, process.env));
}

export function addWebhooks(program: Command): void {
  program
    .command('webhooks')
    .description('Look after webhooks; `chaperone get webhooks` lists them.')
    .command('send-test')
    .description(
      'Send a webhook an event that says nothing, and print how that went. Exits with 1 where it was not delivered.',
    )
    .argument('<name>', 'its name, as `chaperone get webhooks` shows it')
    .option('--organization <name>', 'the organization (default: the only one with such a webhook)')
    .option('--wait <duration>', 'how long to wait for a worker to send it, such as 30s', parsePeriod, 30_000)
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (name, { wait: waitMs, ...options }) =>
      (await import('../webhooks.ts')).sendTest({ ...options, name, waitMs }, process.env),
    );
}
