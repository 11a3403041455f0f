import { allCommands, type DescribedCommand, type DescribedOption, type Values } from './describe.ts';

/** Writes the completion for zsh: a function for each command, as its system of completion expects. */
export function renderZsh(root: DescribedCommand): string {
  return `#compdef chaperone
# zsh completion for chaperone. To load it: source <(chaperone completion zsh)
${allCommands(root).map(writeFunction).join('\n')}
# Sourced, it is registered; from a directory of $fpath, it is called.
if [[ $funcstack[1] == _chaperone ]]; then _chaperone "$@"; else compdef _chaperone chaperone; fi
`;
}

const functionOf = ({ path }: DescribedCommand) => ['_chaperone', ...path].join('_').replaceAll('-', '_');

function writeFunction(command: DescribedCommand): string {
  const options = command.options.map(writeOption);
  if (command.commands.length === 0) {
    const argument = command.argument ? [quote(`1:argument:${actionOf(command.argument)}`)] : [];
    return `${functionOf(command)}() {\n  _arguments -s ${[...options, ...argument].join(' ')}\n}`;
  }
  const names = command.commands.map(({ path, description }) => quote(`${path.at(-1)}:${description}`));
  const calls = command.commands.map((one) => `        (${one.path.at(-1)}) ${functionOf(one)} ;;`);
  return `${functionOf(command)}() {
  local context state line
  _arguments -C -s ${options.join(' ')} '1: :->command' '*:: :->rest'
  case $state in
    (command) local -a commands; commands=(${names.join(' ')}); _describe command commands ;;
    (rest)
      case $line[1] in
${calls.join('\n')}
      esac ;;
  esac
}`;
}

function writeOption({ short, long, description, values }: DescribedOption): string {
  const told = `[${description.replaceAll(/[[\]:\\]/g, '\\$&')}]`;
  const value = values ? `:value:${actionOf(values)}` : '';
  if (short === undefined) return quote(`*${long}${told}${value}`);
  return `${quote(`(${short} ${long})`)}{${short},${long}}${quote(`${told}${value}`)}`;
}

function actionOf(values: Values): string {
  if (values.kind === 'words') return `(${values.words.join(' ')})`;
  if (values.kind === 'anything') return ' ';
  return values.kind === 'directory' ? '_files -/' : '_files';
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
