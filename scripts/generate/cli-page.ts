import type { Argument, Command, Option } from 'commander';

/** Makes the page of the commands: one section for each, in the order of the help. */
export function renderCliPage(program: Command): string {
  const help = program.createHelp();
  const commands = help.visibleCommands(program).filter((command) => command.name() !== 'help');
  return `<!-- Generated from cli/commands by \`npm run generate\`: edit that. -->
# Commands

${program.description()}

On a clone, \`npm run chaperone -- COMMAND\` runs them; in the image, and where the package is installed, \`chaperone COMMAND\`. \`chaperone help COMMAND\` prints what is said here, and \`chaperone completion bash\` (or zsh, fish) the script by which a shell completes them. [reference.md](reference.md#commands) says on which installation they work, and what they read from the environment.

${renderGroups(program, commands)}
${commands.flatMap((command) => renderCommand(command, [program.name()])).join('\n')}`;
}

function renderGroups(program: Command, commands: readonly Command[]): string {
  const groups = Map.groupBy(commands, (command) => command.helpGroup() || 'Commands:');
  const rows = [...groups].flatMap(([group, members]) =>
    members.map(
      (command, index) =>
        `| ${index === 0 ? group.replace(/:$/, '') : ''} | [${command.name()}](#${program.name()}-${command.name()}) | ${inCell(command.summary() || command.description())} |`,
    ),
  );
  return ['| | command | |', '| --- | --- | --- |', ...rows, ''].join('\n');
}

/** A command with its own commands, those of a group of commands below it. */
function renderCommand(command: Command, above: readonly string[]): string[] {
  const path = [...above, command.name()];
  const help = command.createHelp();
  const below = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const section = `${'#'.repeat(path.length)} ${path.join(' ')}

${escapeMarkup(command.description())}

\`\`\`text
${[...above, command.name()].join(' ')} ${command.usage()}
\`\`\`
${renderArguments(command.registeredArguments)}${renderOptions(options)}`;
  return [section, ...below.flatMap((one) => renderCommand(one, path))];
}

function renderArguments(all: readonly Argument[]): string {
  if (all.length === 0) return '';
  const rows = all.map(
    (one) =>
      `| \`${one.required ? `<${one.name()}>` : `[${one.name()}]`}\` | ${inCell([one.description, ...choicesOf(one.argChoices)].filter(Boolean).join('. '))} |`,
  );
  return `\n${['| argument | meaning |', '| --- | --- |', ...rows].join('\n')}\n`;
}

function renderOptions(options: readonly Option[]): string {
  if (options.length === 0) return '';
  const rows = options.map((option) => {
    const meaning = [asClause(option.description), ...choicesOf(option.argChoices)].filter(Boolean).join('. ');
    return `| \`${option.flags}\` | ${option.mandatory ? 'required' : defaultOf(option)} | ${inCell(meaning)} |`;
  });
  return `\n${['| option | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')}\n`;
}

/** Commander writes defaults and choices behind a description itself; here they have places of their own. */
const asClause = (text: string) => text.replace(/\.$/, '');

const choicesOf = (choices: readonly string[] | undefined) =>
  choices ? [`One of ${choices.map((choice) => `\`${choice}\``).join(', ')}`] : [];

function defaultOf({ defaultValue, defaultValueDescription, negate, flags }: Option): string {
  if (defaultValueDescription !== undefined) return inCell(defaultValueDescription);
  if (defaultValue === undefined || negate || (Array.isArray(defaultValue) && defaultValue.length === 0)) return '';
  const isDuration = typeof defaultValue === 'number' && flags.includes('<duration>');
  return `\`${isDuration ? showMilliseconds(defaultValue) : String(defaultValue)}\``;
}

/** Durations are options in text and defaults in milliseconds. */
function showMilliseconds(value: number): string {
  return value % 60_000 === 0 ? `${value / 60_000}m` : `${value / 1000}s`;
}

const inCell = (text: string) => escapeMarkup(text).replaceAll('|', '\\|');

function escapeMarkup(text: string): string {
  return text.replaceAll(/(`[^`]*`)|[<>]/g, (found, code) => code ?? (found === '<' ? '&lt;' : '&gt;'));
}
