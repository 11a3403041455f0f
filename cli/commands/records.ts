import { type Command, Option } from 'commander';
import {
  collectHead,
  contextOption,
  databaseOption,
  dataOption,
  kubeconfigOption,
  namespaceOption,
  parseLimit,
  parsePeriod,
} from './options.ts';

export function addUsage(program: Command): void {
  program
    .command('usage')
    .description('Print usage and cost from the records of all calls.')
    .option('--organization <name>', 'the organization (default: all of them)')
    .option(
      '--by <what>',
      'one line per organization, model, user, persona, namespace, workload, provider, client or day (default: model for one organization, else organization)',
    )
    .option('--from <day>', 'the first day in UTC, such as 2027-01-01 (default: the first of the month of --to)')
    .option('--to <day>', 'the last day, included (default: today)')
    .addOption(
      new Option('--kind <kind>', 'calls of users, calls that analyses made, or both')
        .choices(['call', 'analysis', 'all'])
        .default('all'),
    )
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json', 'csv']).default('table'))
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (options) => (await import('../usage.ts')).usage(options, process.env));
}

export function addTop(program: Command): void {
  program
    .command('top')
    .description('Show calls, tokens, spend and latency of the last minute, live in the terminal. q ends it.')
    .option('--organization <name>', 'the organization (default: all of them)')
    .addOption(
      new Option('--by <what>', 'the table of a terminal that has no room for all')
        .choices(['organizations', 'workloads', 'models'])
        .default('organizations'),
    )
    .addOption(
      new Option('--sort <figure>', 'which rows come first')
        .choices(['calls', 'tokens', 'spend', 'latency'])
        .default('calls'),
    )
    .option('--window <duration>', 'how far back the figures reach', parsePeriod, 60_000)
    .option('--interval <duration>', 'how often they are read', parsePeriod, 2_000)
    .option('--once', 'print the figures once, and end')
    .addOption(
      new Option('-o, --output <format>', 'json prints one line each time').choices(['table', 'json']).default('table'),
    )
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async ({ window: windowMs, interval: intervalMs, ...options }) =>
      (await import('../top.ts')).top({ ...options, windowMs, intervalMs }, process.env),
    );
}

export function addAudit(program: Command): void {
  const audit = program.command('audit').description('Read the audit log, or verify it.');

  audit
    .command('list', { isDefault: true })
    .description(
      'Print who changed what, and what was refused by which rule (as `chaperone audit` does without a command).',
    )
    .option('--organization <name>', 'the organization (default: all of them)')
    .option('--since <time>', 'such as 7d, 12h or 2027-01-31T12:00:00Z')
    .addOption(
      new Option('--kind <kind>', 'only entries of this kind').choices([
        'resource',
        'api',
        'refusal',
        'revocation',
        'cut',
      ]),
    )
    .option('--code <code>', 'only refusals with this error code')
    .option('--actor <who>', "a user's id, or a field manager such as kubectl-client-side-apply")
    .option('--subject <what>', 'such as Organization/acme; with a / at its end, all below')
    .option('--limit <number>', 'how many at most', parseLimit, 50)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table'))
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (options) => (await import('../audit.ts')).audit(options, process.env));

  audit
    .command('verify')
    .description('Walk the audit log, and say which entry is not as it was written. Exits with 1 where there is one.')
    .option('--organization <name>', 'the organization (default: all of them)')
    .option('--head <head>', 'a head that was kept, such as acme=42:9f86d0…; repeat it for several', collectHead, [])
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table'))
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (options) => (await import('../verify.ts')).verify(options, process.env));
}

export function addGet(program: Command): void {
  program
    .command('get')
    .description(
      'List the resources of a `chaperone up`, as `kubectl get` does, what is used of limits and budgets, the latest conversations or sessions, background jobs, webhooks, or articles.',
    )
    .argument(
      '<kind>',
      'organizations, personas, apikeybindings or analysisconfigs (or a short name), several with commas; or limits, budgets, conversations, support-conversations, sessions, reviews, jobs, webhooks or articles',
    )
    .option('--organization <name>', 'of all of these but resources: the organization (default: all of them)')
    .option('--failed', 'of jobs: only those that have no attempt left')
    .option(
      '--user <id>',
      'of limits and budgets: only what this user has used, and what it shares with others; of conversations, support-conversations and sessions: only this user’s; of reviews: those that this reviewer has claimed',
    )
    .addOption(
      new Option('-o, --output <format>', 'wide shows ids and more of resources; json is for all others').choices([
        'wide',
        'table',
        'json',
      ]),
    )
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (kind, options) => (await import('../get.ts')).get(kind, options, process.env));
}
