import { allCommands, type DescribedCommand, type Values } from './describe.ts';

/** Writes the completion for fish. */
export function renderFish(root: DescribedCommand): string {
  return `# fish completion for chaperone. To load it: chaperone completion fish | source
complete -c chaperone -f
${allCommands(root).flatMap(writeCommand).join('\n')}
`;
}

function writeCommand(command: DescribedCommand): string[] {
  const when = quote(conditionOf(command));
  const subcommands = command.commands.map(
    ({ path, description }) => `complete -c chaperone -n ${when} -a ${path.at(-1)} -d ${quote(description)}`,
  );
  const options = command.options.map(({ short, long, description, values }) =>
    [
      `complete -c chaperone -n ${when}`,
      ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
      `-l ${long.slice(2)} -d ${quote(description)}`,
      ...(values ? [`-r ${valuesOf(values)}`.trimEnd()] : []),
    ].join(' '),
  );
  const argument = command.argument ? [`complete -c chaperone -n ${when} ${valuesOf(command.argument)}`] : [];
  return [...subcommands, ...options, ...argument];
}

/** Whether the words so far name this command, and none below it. */
function conditionOf({ path, commands }: DescribedCommand): string {
  const below = commands.map((one) => one.path.at(-1)).join(' ');
  if (path.length === 0) return '__fish_use_subcommand';
  const within = path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
  return below === '' ? within : `${within}; and not __fish_seen_subcommand_from ${below}`;
}

function valuesOf(values: Values): string {
  if (values.kind === 'words') return `-a ${quote(values.words.join(' '))}`;
  if (values.kind === 'anything') return '-f';
  return values.kind === 'directory' ? "-a '(__fish_complete_directories)'" : '-F';
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
