import type { Command } from 'commander';

/** The groups of commands in the help, in order, with what a command does in a line. */
const groups: readonly (readonly [group: string, commands: Readonly<Record<string, string>>])[] = [
  [
    'Run it',
    {
      up: 'Everything on this machine, over a directory of YAML',
      operator: 'The operator alone',
      proxy: 'One proxy, for one organization',
      worker: 'One worker, for background jobs',
      sandbox: 'The stand-in for a provider',
      trainer: 'The built-in trainer, as pods run it',
    },
  ],
  [
    'See what happens',
    {
      top: 'Live: calls, tokens, spend and latency',
      get: 'Resources, limits, conversations, sessions, jobs and more',
      usage: 'Usage and cost from the records of all calls',
      audit: 'Who changed what, and what was refused',
      check: 'What is wrong with an installation, and what to do',
    },
  ],
  [
    'Ask what would happen',
    {
      explain: 'What would happen to a call now, and why',
      simulate: 'What a change would have done to recorded calls',
    },
  ],
  [
    'Look after it',
    {
      token: 'Make a token, or revoke some',
      keys: 'Make, rotate and revoke keys of the own APIs',
      account: 'Hash a password, for who logs in with it',
      jobs: 'Try a failed job again',
      webhooks: 'Send a webhook a test',
    },
  ],
  [
    'Your shell',
    {
      completion: 'Completion for bash, zsh or fish',
      help: 'The help of a command, such as `chaperone help up`',
    },
  ],
];

/** Arranges the help of a program: commands in groups, each in a line. The help of a command says all of it. */
export function arrangeHelp(program: Command): void {
  const order = groups.flatMap(([, commands]) => Object.keys(commands));
  program.helpCommand('help [command]', 'Show the help of a command.');
  const { visibleCommands } = program.createHelp();
  program.configureHelp({
    subcommandTerm: (command) => command.name(),
    subcommandDescription: (command) => command.summary() || command.description(),
    visibleCommands(of) {
      const all = visibleCommands.call(this, of);
      if (of !== program) return all;
      for (const command of all) place(command);
      return all.toSorted((a, b) => order.indexOf(a.name()) - order.indexOf(b.name()));
    },
  });
  program.addHelpText(
    'after',
    '\nBegin with `chaperone up examples/quickstart`. `chaperone help COMMAND` shows the options of a command.',
  );
}

function place(command: Command): void {
  for (const [group, commands] of groups) {
    const summary = commands[command.name()];
    if (summary !== undefined) command.helpGroup(`${group}:`).summary(summary);
  }
}
