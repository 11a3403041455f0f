import { type Command, Option } from 'commander';
import {
  httpClientOption,
  httpClients,
  ownVersion,
  parseBytes,
  parseCount,
  parseDataLimit,
  parseEgressProxy,
  parseEndpoint,
  parseNames,
  parsePeriod,
  parsePort,
  parseRatio,
  parseResources,
  parseSeconds,
} from './options.ts';

export function addUp(program: Command): void {
  program
    .command('up')
    .description(
      'Run everything on this machine: a PostgreSQL, the operator over a directory of YAML, and the proxies.',
    )
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
    .action(async (directory, options) =>
      (await import('../up.ts')).up(directory, { ...options, version: ownVersion(program) }, process.env),
    );
}

export function addOperator(program: Command): void {
  program
    .command('operator')
    .description(
      'Run the operator alone: in a cluster ($KUBECONFIG, or the pod it is in), or over a directory of YAML.',
    )
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
    .option(
      '--sidecar-traces-endpoint <url>',
      'where sidecars and gateways send traces, by OTLP over HTTP',
      parseEndpoint,
    )
    .option('--sidecar-traces-ratio <ratio>', 'the share of their traces that is recorded, 0 to 1', parseRatio, 1)
    .option('--sidecar-data-limit <quantity>', "the size limit of the sidecar's volume", parseDataLimit, '5Gi')
    .option('--gateways', "run the gateways of Organizations with spec.gateway, in the operator's namespace")
    .option('--gateway-pull-secrets <names>', "the gateways' pull Secrets, separated by commas", parseNames)
    .option('--training-namespaces <names>', 'where it may train and serve models, separated by commas', parseNames)
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
      (await import('../operator.ts')).operator(
        { ...options, resyncMs, propagationMs, version: ownVersion(program) },
        process.env,
      ),
    );
}

export function addProxy(program: Command): void {
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
    .action(async (options) =>
      (await import('../proxy.ts')).proxy({ ...options, version: ownVersion(program) }, process.env),
    );
}

export function addWorker(program: Command): void {
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
    .action(async (options) =>
      (await import('../worker.ts')).worker({ ...options, version: ownVersion(program) }, process.env),
    );
}

export function addSandbox(program: Command): void {
  program
    .command('sandbox')
    .description('Run the stand-in for a provider alone: it answers every call and costs nothing.')
    .option('--host <address>', 'where it listens', '127.0.0.1')
    .option('--port <port>', 'its port; 0 for a free one', parsePort, 0)
    .action(async (options) => (await import('../sandbox.ts')).sandbox(options));
}

export function addTrainer(program: Command): void {
  const load = async () => await import('../trainer.ts');
  const trainer = program
    .command('trainer')
    .description('The built-in trainer, as pods of a cluster run it. Their environment says what is to be done.');
  trainer
    .command('train')
    .description('Run one pod of a training job: it learns to classify texts.')
    .action(async () => (await load()).trainModel(process.env));
  trainer
    .command('serve')
    .description('Serve a model of the built-in trainer by chat completions.')
    .option('--port <port>', 'where it listens, at all addresses', parsePort, 8080)
    .action(async (options) => (await load()).serveModel(options, process.env));
}
