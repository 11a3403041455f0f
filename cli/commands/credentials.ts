import { type Command, Option } from 'commander';
import {
  collectOrigin,
  contextOption,
  databaseOption,
  dataOption,
  kubeconfigOption,
  namespaceOption,
  parseRate,
  parseRoles,
} from './options.ts';

export function addToken(program: Command): void {
  const token = program.command('token').description('Make a token for an organization, or revoke some.');

  token
    .command('issue', { isDefault: true })
    .description("Print a token, signed with the organization's own key (as `chaperone token` does without a command).")
    .requiredOption('--organization <name>', 'the organization')
    .option('--user <id>', 'bind the token to this user; calls need no X-User-ID then')
    .option('--roles <roles>', 'member, analyst, reviewer, admin; separated by commas', parseRoles)
    .option('--expires <duration>', "such as 30d or 12h (default: the organization's tokenLifetime)")
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--json', 'print one line of JSON: the token, with the id for revoking it')
    .action(async (options) => (await import('../token.ts')).token(options, process.env));

  token
    .command('revoke')
    .description('Make every proxy refuse tokens that have not expired yet.')
    .requiredOption('--organization <name>', 'the organization')
    .option('--id <id>', "a token's id (its claim jti), or the token itself")
    .option('--user <id>', "this user's tokens that were issued until now, or before --issued-before")
    .option('--issued-before <time>', 'tokens that were issued before: now, or such as 2027-01-31T12:00:00Z')
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (options) => (await import('../revoke.ts')).revoke(options, process.env));
}

export function addAccount(program: Command): void {
  program
    .command('account')
    .description('Look after accounts that log in with a password (spec.authentication.accounts).')
    .command('hash')
    .description(
      'Print the argon2id hash of a password, for the Secret that an account names. It is asked for, or read from standard input.',
    )
    .action(async () => (await import('../account.ts')).hash(process.stdin, process.stdout, process.stderr));
}

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description("List, make, rotate and revoke keys of the organizations' own APIs (sk_… and pk_…).");

  keys
    .command('list', { isDefault: true })
    .description('Print the keys, without the keys themselves (as `chaperone keys` does without a command).')
    .option('--organization <name>', 'the organization (default: all of them)')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table'))
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (options) => (await import('../keys.ts')).listKeys(options, process.env));

  keys
    .command('create')
    .description('Make a key, and print it: only this once.')
    .argument('<name>', 'its name, unique in the organization')
    .option('--organization <name>', 'the organization (default: the only one)')
    .addOption(
      new Option('--type <type>', 'secret (sk_…) is for servers, public (pk_…) for web pages')
        .choices(['secret', 'public'])
        .default('secret'),
    )
    .option(
      '--roles <roles>',
      "of a secret key: member, analyst, reviewer, admin; separated by commas (default: the organization's default roles)",
      parseRoles,
    )
    .option('--origin <origin>', 'of a public key: a web page that may use it; repeat it for several', collectOrigin)
    .option('--requests-per-hour <number>', 'its limit (default: 1,000 of a public key, else none)', parseRate)
    .option('--visitor-requests-per-hour <number>', 'of a public key, of each visitor (default: 60)', parseRate)
    .option('--expires <duration>', 'such as 90d or 12h (default: never)')
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (name, { origin: origins, ...options }) =>
      (await import('../keys.ts')).createKey({ ...options, name, origins }, process.env),
    );

  keys
    .command('rotate')
    .description('Replace a key by a new one, and print that: only this once.')
    .argument('<key>', 'its name or id, as `chaperone keys` shows it')
    .option('--organization <name>', 'the organization (default: the only one with such a key)')
    .option('--overlap <duration>', 'how long the former key is accepted, too: 0s to 7d', '24h')
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (key, options) => (await import('../keys.ts')).rotateKey({ ...options, key }, process.env));

  keys
    .command('revoke')
    .description('Have every proxy refuse a key, for good.')
    .argument('<key>', 'its name or id, as `chaperone keys` shows it')
    .option('--organization <name>', 'the organization (default: the only one with such a key)')
    .option('--data <directory>', dataOption)
    .option('--namespace <name>', namespaceOption)
    .option('--kubeconfig <file>', kubeconfigOption)
    .option('--context <name>', contextOption)
    .option('--database-url-file <file>', databaseOption)
    .action(async (key, options) => (await import('../keys.ts')).revokeKey({ ...options, key }, process.env));
}
