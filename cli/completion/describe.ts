import type { Command } from 'commander';

/** What may stand at a place of the command line. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' | 'directory' | 'anything' };

export interface DescribedOption {
  /** Such as `-o`. */
  readonly short: string | undefined;
  /** Such as `--output`. */
  readonly long: string;
  readonly description: string;
  /** Undefined: it takes no value. */
  readonly values: Values | undefined;
}

export interface DescribedCommand {
  /** The words after the program's name; empty for the program itself. */
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly DescribedOption[];
  readonly argument: Values | undefined;
  readonly commands: readonly DescribedCommand[];
}

/** Kinds of `chaperone get`, which commander does not know as choices: several may be named with commas. */
const words: Readonly<Record<string, readonly string[]>> = {
  'get kind': [
    ...['organizations', 'personas', 'apikeybindings', 'analysisconfigs', 'limits', 'budgets'],
    ...['conversations', 'support-conversations', 'sessions', 'reviews', 'jobs', 'webhooks', 'articles'],
  ],
  'explain call': ['responses', 'chat', 'messages', 'completions', 'embeddings', 'moderations', 'speech'],
};

/** Describes a program for completion: its commands with their options and values. */
export function describeCommand(command: Command, path: readonly string[] = []): DescribedCommand {
  const visible = command.createHelp().visibleCommands(command);
  return {
    path,
    description: sentenceOf(command.summary() || command.description()),
    options: command.createHelp().visibleOptions(command).map(describeOption),
    argument: argumentOf(command, path),
    commands: visible.filter((one) => one.name() !== 'help').map((one) => describeCommand(one, [...path, one.name()])),
  };
}

function describeOption(option: ReturnType<Command['options']['at']> & object): DescribedOption {
  const { short, long, flags, description, argChoices } = option;
  const [, name] = /[<[]([^>\]]+)[>\]]/.exec(flags) ?? [];
  return {
    short: short ?? undefined,
    long: long ?? '',
    description: sentenceOf(description),
    values: name === undefined ? undefined : valuesOf(name, argChoices),
  };
}

function argumentOf({ registeredArguments: [first] }: Command, path: readonly string[]): Values | undefined {
  if (!first) return undefined;
  const known = words[[...path, first.name()].join(' ')];
  return known ? { kind: 'words', words: known } : valuesOf(first.name(), first.argChoices);
}

function valuesOf(name: string, choices: readonly string[] | undefined): Values {
  if (choices) return { kind: 'words', words: choices };
  if (name === 'file' || name === 'directory') return { kind: name };
  return { kind: 'anything' };
}

/** The first sentence, without what says more. */
function sentenceOf(text: string): string {
  const [first = ''] = text.replaceAll('`', '').split(/(?<=[a-z)])[.:;] /);
  return first.replace(/\.$/, '');
}

/** All commands, the program first. */
export function allCommands(root: DescribedCommand): DescribedCommand[] {
  return [root, ...root.commands.flatMap(allCommands)];
}
