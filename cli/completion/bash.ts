import { allCommands, type DescribedCommand, type Values } from './describe.ts';

/** Writes the completion for bash, 3.2 or later, without the package bash-completion. */
export function renderBash(root: DescribedCommand): string {
  const commands = allCommands(root);
  return `# bash completion for chaperone. To load it: source <(chaperone completion bash)
_chaperone() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path="" i
  # bash takes --output=json apart.
  if [[ $cur == "=" ]]; then cur=""
  elif [[ $prev == "=" ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
${commands.flatMap(writeStep).join('\n')}
    esac
  done
  case "$path $prev" in
${commands.flatMap(writeValues).join('\n')}
  esac
  case "$path" in
${commands.map(writeWords).join('\n')}
  esac
}
complete -o default -F _chaperone chaperone
`;
}

const nameOf = ({ path }: DescribedCommand) => path.map((word) => ` ${word}`).join('');

function writeStep(command: DescribedCommand): string[] {
  return command.path.length === 0 ? [] : [`      "${nameOf(command)}") path="${nameOf(command)}" ;;`];
}

function writeValues(command: DescribedCommand): string[] {
  return command.options.flatMap(({ short, long, values }) => {
    if (!values) return [];
    const flags = [long, short ?? []].flat().map((flag) => `"${nameOf(command)} ${flag}"`);
    return [`    ${flags.join('|')}) ${complete(values)}; return ;;`];
  });
}

function writeWords(command: DescribedCommand): string {
  const flags = command.options.map(({ long }) => long).join(' ');
  const names = command.commands.map(({ path }) => path.at(-1)).join(' ');
  const argument = names === '' && command.argument ? complete(command.argument) : offer(names);
  return `    "${nameOf(command)}") if [[ $cur == -* ]]; then ${offer(flags)}; else ${argument}; fi ;;`;
}

function complete(values: Values): string {
  if (values.kind === 'words') return offer(values.words.join(' '));
  if (values.kind === 'anything') return 'COMPREPLY=(); compopt +o default 2>/dev/null';
  return `COMPREPLY=($(compgen -${values.kind === 'directory' ? 'd' : 'f'} -- "$cur"))`;
}

function offer(words: string): string {
  return `COMPREPLY=($(compgen -W "${words}" -- "$cur"))`;
}
