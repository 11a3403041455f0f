#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';

// Each command loads only its own code, so that a proxy's cold start does not pay for the operator.

const program = new Command('chaperone')
  .description('AI governance for Kubernetes: who calls which model, with which persona and key, and what it cost.')
  .version(process.env.CHAPERONE_VERSION ?? '0.1.0')
  .showHelpAfterError('(for more: chaperone --help)');

// For commands that accept both kinds of installation.
const dataOption = 'the data directory of a `chaperone up` (default: .chaperone, where there is one)';
const namespaceOption = "in a cluster: the operator's namespace (default: chaperone-system)";
const kubeconfigOption = 'in a cluster: the kubeconfig file (default: as kubectl finds it)';
const databaseOption = "instead of an installation: a file with the owner's database URL";
const contextOption = "in a cluster: the kubeconfig's context (default: its current one)";

const httpClients = ['own', 'undici'];

program
  .command('up')
  .description('Run everything on this machine: a PostgreSQL, the operator over a directory of YAML, and the proxies.')
  .argument('<directory>', 'the directory with the YAML; edits take effect at once')
  .option('--port <port>', "the first organization's port; the next ones are two higher each", parsePort, 8000)
  .option('--metrics-port <port>', 'likewise for /metrics, /healthz and /readyz', parsePort, 8001)
  .option('--data <directory>', 'where the database, the keys and the spools are kept', '.chaperone')
  .option(
    '--upstream <url>',
    'where calls go (default: $OPENAI_BASE_URL, OpenAI where $OPENAI_API_KEY is set, or a sandbox)',
  )
  .option('--quiet', 'print only faults')
  .option('--json', 'print one line of JSON when ready, and nothing else on standard output')
  .action(async (directory, options) => (await import('./up.ts')).up(directory, options, process.env));

program
  .command('operator')
  .description('Run the operator alone: in a cluster ($KUBECONFIG, or the pod it is in), or over a directory of YAML.')
  .requiredOption('--database-url-file <file>', "a file with the owner's database URL")
  .option(
    '--proxy-database-url-file <file>',
    'a file with the URL at which proxies reach the database (default: the same)',
  )
  .option('--namespace <namespace>', "the operator's own namespace, where it keeps keys", 'chaperone-system')
  .option('--kubeconfig <file>', 'instead of $KUBECONFIG')
  .option('--no-leader-election', 'reconcile at once; no other operator may run')
  .option('--concurrency <number>', 'concurrent reconciliations per kind', parseCount, 24)
  .option('--resync <duration>', 'how often to compare all rows with the resources', parsePeriod, 600_000)
  .option('--key-propagation <duration>', 'how long a new key is handed out before it is used', parsePeriod, 300_000)
  .option('--metrics-port <port>', 'the port of /metrics, /healthz and /readyz', parsePort, 8080)
  .option('--image <image>', "the sidecar's image; without one nothing is injected")
  .addOption(new Option('--image-pull-policy <policy>', "the sidecar's").choices(['Always', 'IfNotPresent', 'Never']))
  .option(
    '--image-pull-secrets <names>',
    "the sidecar's pull Secrets, in the pods' own namespaces, separated by commas",
    parseNames,
  )
  .option('--upstream <url>', 'the base URL of openai providers that state none, for sidecars')
  .option('--sidecar-resources <json>', "the sidecar's requests and limits", parseResources)
  .option('--sidecar-egress-proxy <url>', 'the forward proxy of sidecars to providers and issuers', parseEgressProxy)
  .option('--sidecar-no-proxy <list>', 'hosts that sidecars reach directly, as in NO_PROXY')
  .addOption(
    new Option('--sidecar-http-client <name>', 'how sidecars and gateways send requests to providers').choices(
      httpClients,
    ),
  )
  .option('--sidecar-data-limit <quantity>', "the size limit of the sidecar's volume", parseDataLimit, '5Gi')
  .option('--gateways', "run the gateways of Organizations with spec.gateway, in the operator's namespace")
  .option('--gateway-pull-secrets <names>', "the gateways' pull Secrets, separated by commas", parseNames)
  .option('--webhook-port <port>', "the webhooks' port", parsePort, 9443)
  .option('--webhook-service <name>', 'the Service at which the API server calls the webhooks', 'chaperone-webhook')
  .option(
    '--webhook-configuration <name>',
    'the webhook configurations to publish certificates in (default: chaperone-<namespace>)',
  )
  .option(
    '--webhook-certificates <directory>',
    'a directory with tls.crt and tls.key (default: the operator makes its own certificate)',
  )
  .option('--directory <directory>', 'take resources from the YAML in this directory instead of a cluster')
  .option('--data <directory>', 'where statuses and Secrets are kept with --directory', '.chaperone')
  .option('--log-level <level>', 'trace, debug, info, warn or error', 'info')
  .addOption(
    new Option('--log-format <format>', 'how to print an entry, one per line')
      .choices(['json', 'text'])
      .default('json'),
  )
  .action(async ({ resync: resyncMs, keyPropagation: propagationMs, ...options }) =>
    (await import('./operator.ts')).operator(
      { ...options, resyncMs, propagationMs, version: ownVersion() },
      process.env,
    ),
  );

program
  .command('proxy')
  .description('Run one proxy: it serves the organization whose credentials it is given.')
  .requiredOption('--credentials <directory>', "the organization's mounted Secret")
  .requiredOption('--data <directory>', 'a volume that survives restarts: the spool and the last configuration')
  .option('--host <address>', 'where the API listens', '127.0.0.1')
  .option('--port <port>', "the API's port", parsePort, 8000)
  .option(
    '--tls <directory>',
    'a mounted certificate (tls.crt, tls.key): the API is served by HTTPS; renewals are followed',
  )
  .option('--metrics-host <address>', 'where /metrics, /healthz and /readyz listen', '0.0.0.0')
  .option('--metrics-port <port>', 'their port', parsePort, 8001)
  .option('--upstream <url>', 'the base URL of openai providers that state none', 'https://api.openai.com/v1')
  .option('--anthropic-upstream <url>', 'the base URL of anthropic providers that state none (default: Anthropic)')
  .option('--pod-namespace <name>', 'the namespace of the pod that it serves, for records and metrics')
  .option('--workload <name>', 'the Deployment, Job or the like that the pod belongs to')
  .option('--grace <seconds>', 'how long running calls may take when the proxy stops', parseSeconds, 3)
  .option('--flush <seconds>', 'how long to copy waiting records to the database after that', parseSeconds, 0.5)
  .option('--data-limit <bytes>', 'the size limit of --data (default: 5368709120, which is 5Gi)', parseBytes)
  .option(
    '--max-in-flight-bytes <bytes>',
    "memory limit of all bodies in flight (default: a quarter of the process's memory limit)",
    parseBytes,
  )
  .option('--stall <seconds>', 'how long a client may pause in the middle of a body', parseSeconds, 30)
  .addOption(httpClientOption())
  .option('--log-level <level>', 'trace, debug, info, warn or error', 'info')
  .action(async (options) => (await import('./proxy.ts')).proxy({ ...options, version: ownVersion() }, process.env));

program
  .command('worker')
  .description('Run one worker: it does the background jobs of all organizations. Several share the work.')
  .requiredOption(
    '--credentials <directory>',
    'what the operator hands out to workers (the Secrets chaperone.worker-…)',
  )
  .requiredOption('--data <directory>', 'a volume that survives restarts: a spool for each organization')
  .option('--metrics-host <address>', 'where /metrics, /healthz and /readyz listen', '0.0.0.0')
  .option('--metrics-port <port>', 'their port', parsePort, 8001)
  .option('--upstream <url>', 'the base URL of openai providers that state none', 'https://api.openai.com/v1')
  .option('--anthropic-upstream <url>', 'the base URL of anthropic providers that state none (default: Anthropic)')
  .option('--concurrency <number>', 'how many jobs run at once', parseCount, 16)
  .option('--grace <seconds>', 'how long running jobs may take when the worker stops', parseSeconds, 20)
  .option('--silence <seconds>', 'how long it may be silent before others take over its jobs', parseSeconds, 15)
  .option('--data-limit <bytes>', 'the size limit of an organization in --data (default: 5368709120)', parseBytes)
  .addOption(httpClientOption())
  .option('--log-level <level>', 'trace, debug, info, warn or error', 'info')
  .action(async (options) => (await import('./worker.ts')).worker({ ...options, version: ownVersion() }, process.env));

program
  .command('sandbox')
  .description('Run the stand-in for a provider alone: it answers every call and costs nothing.')
  .option('--host <address>', 'where it listens', '127.0.0.1')
  .option('--port <port>', 'its port; 0 for a free one', parsePort, 0)
  .action(async (options) => (await import('./sandbox.ts')).sandbox(options));

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
  .action(async (options) => (await import('./token.ts')).token(options, process.env));

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
  .action(async (options) => (await import('./revoke.ts')).revoke(options, process.env));

program
  .command('account')
  .description('Look after accounts that log in with a password (spec.authentication.accounts).')
  .command('hash')
  .description(
    'Print the argon2id hash of a password, for the Secret that an account names. It is asked for, or read from standard input.',
  )
  .action(async () => (await import('./account.ts')).hash(process.stdin, process.stdout, process.stderr));

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
  .action(async (options) => (await import('./usage.ts')).usage(options, process.env));

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
  .action(async (options) => (await import('./audit.ts')).audit(options, process.env));

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
  .action(async (options) => (await import('./verify.ts')).verify(options, process.env));

program
  .command('get')
  .description(
    'List the resources of a `chaperone up`, as `kubectl get` does, what is used of limits and budgets, the latest conversations or sessions, background jobs, webhooks, or articles.',
  )
  .argument(
    '<kind>',
    'organizations, personas, apikeybindings or analysisconfigs (or a short name), several with commas; or limits, budgets, conversations, support-conversations, sessions, jobs, webhooks or articles',
  )
  .option('--organization <name>', 'of all of these but resources: the organization (default: all of them)')
  .option('--failed', 'of jobs: only those that have no attempt left')
  .option(
    '--user <id>',
    'of limits and budgets: only what this user has used, and what it shares with others; of conversations, support-conversations and sessions: only this user’s',
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
  .action(async (kind, options) => (await import('./get.ts')).get(kind, options, process.env));

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
  .action(async (id, options) => (await import('./retry.ts')).retry({ ...options, id }, process.env));

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
    (await import('./webhooks.ts')).sendTest({ ...options, name, waitMs }, process.env),
  );

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
  .action(async (options) => (await import('./keys.ts')).listKeys(options, process.env));

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
    (await import('./keys.ts')).createKey({ ...options, name, origins }, process.env),
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
  .action(async (key, options) => (await import('./keys.ts')).rotateKey({ ...options, key }, process.env));

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
  .action(async (key, options) => (await import('./keys.ts')).revokeKey({ ...options, key }, process.env));

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
    new Option('--level <level>', 'its X-Optimization-Level (default: none)').choices(['quality', 'balanced', 'speed']),
  )
  .option('--workload <namespace/name>', 'the pod that would call (default: none; on one machine, any)')
  .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table'))
  .option('--data <directory>', dataOption)
  .option('--namespace <name>', namespaceOption)
  .option('--kubeconfig <file>', kubeconfigOption)
  .option('--context <name>', contextOption)
  .option('--database-url-file <file>', databaseOption)
  .action(async (call, options) => (await import('./explain.ts')).explain({ ...options, call }, process.env));

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
  .action(async (options) => (await import('./simulate.ts')).simulate(options, process.env));

program
  .command('check')
  .description('Check an installation in a cluster, or a running `chaperone up`, and say what to do about each fault.')
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
  .option('--wait <duration>', 'repeat the check until nothing fails, for at most this long, such as 60s', parseWait, 0)
  .action(async ({ wait: waitMs, ...options }) => {
    const { check } = await import('./check.ts');
    await check({ ...options, waitMs }, process.env, ownVersion());
  });

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`chaperone: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});

function ownVersion(): string {
  return program.version() ?? '';
}

function parsePort(value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535) throw new InvalidArgumentError('It must be a port: 0 to 65535.');
  return port;
}

function parseCount(value: string): number {
  if (!/^[1-9]\d{0,2}$/.test(value)) throw new InvalidArgumentError('It must be a number from 1 to 999.');
  return Number(value);
}

function parseJobId(value: string): string {
  if (!/^[1-9]\d{0,17}$/.test(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

function parseNames(value: string): string[] {
  const names = value.split(',').map((name) => name.trim());
  if (!names.every((name) => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))) {
    throw new InvalidArgumentError('It must be names of Secrets, separated by commas.');
  }
  return names;
}

function parseLimit(value: string): number {
  if (!/^[1-9]\d{0,4}$/.test(value)) throw new InvalidArgumentError('It must be a number from 1 to 99999.');
  return Number(value);
}

function collectHead(value: string, former: readonly string[]): string[] {
  return [...former, value];
}

function collectImage(value: string, former: readonly string[]): string[] {
  if (!/^[a-z0-9][\w./:@-]*$/i.test(value)) {
    throw new InvalidArgumentError('It must be an image such as registry.example.com/chaperone:0.1.0.');
  }
  return [...former, value];
}

function parseResources(value: string): object {
  try {
    const resources: unknown = JSON.parse(value);
    if (typeof resources === 'object' && resources !== null) return resources;
  } catch {
    // The error below covers this.
  }
  throw new InvalidArgumentError('It must be JSON such as {"requests":{"cpu":"10m"}}.');
}

function parseBytes(value: string): number {
  if (!/^[1-9]\d{6,15}$/.test(value)) throw new InvalidArgumentError('It must be a number of bytes, 1000000 at least.');
  return Number(value);
}

function httpClientOption(): Option {
  return new Option('--http-client <name>', 'how requests reach providers: by our own HTTP/1.1 client, or by undici')
    .choices(httpClients)
    .default('own')
    .env('CHAPERONE_HTTP_CLIENT');
}

/** The error does not quote the value, which may have a password. */
function parseEgressProxy(value: string): string {
  const url = URL.parse(value);
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== '') return value;
  throw new Error('--sidecar-egress-proxy must be a URL such as http://proxy.example.com:3128');
}

/** Parses the size of a volume. It must be at least 1Mi, so that the spool has room. */
function parseDataLimit(value: string): string {
  if (!/^[1-9]\d{0,5}[MGT]i$/.test(value)) throw new InvalidArgumentError('It must be a size such as 512Mi or 5Gi.');
  return value;
}

function parseSeconds(value: string): number {
  if (!/^\d+(\.\d+)?$/.test(value)) throw new InvalidArgumentError('It must be a number of seconds.');
  return Number(value);
}

/** @returns milliseconds */
function parsePeriod(value: string): number {
  const ms = parseWait(value);
  if (ms === 0) throw new InvalidArgumentError('It must be longer than zero.');
  return ms;
}

/** @returns milliseconds */
function parseWait(value: string): number {
  const [, number, unit] = /^(\d+)(s|m)$/.exec(value) ?? [];
  if (number === undefined) throw new InvalidArgumentError('It must be a duration such as 60s or 5m.');
  return Number(number) * (unit === 'm' ? 60_000 : 1_000);
}

function parseRate(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('It must be a number from 1 to 999999999.');
  return Number(value);
}

function collectOrigin(value: string, former: readonly string[] = []): string[] {
  return [...former, value];
}

function parseRoles(value: string): string[] {
  const roles = value.split(',').map((role) => role.trim());
  const unknown = roles.find((role) => !['member', 'analyst', 'reviewer', 'admin'].includes(role));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`"${unknown}" is not a role; the roles are member, analyst, reviewer, admin.`);
  return roles;
}
