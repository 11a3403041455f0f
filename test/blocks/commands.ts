import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { makeProgram } from '../../cli/program.ts';
import { repository } from '../directories.ts';

const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};
const program = makeProgram('');

/** Where a command may begin: at the start of a line, in a pipe, after another one, in `$(…)`. */
const begin =
  /(?:^|\$\(|[|;] ?|&& |-- )(?:\$ )?(?:[A-Z_]+=\S* )*(npm run(?: -s)? [\w:]+(?: --)?|chaperone)(?=\s|$) ?([^|;)#>&]*)/g;

/** Commands of ours in a block that there are not, or with options that they do not have. */
export function findUnknownCommands(text: string): readonly string[] {
  const lines = text.replaceAll(/\\\n\s*/g, ' ').split('\n');
  return lines.flatMap((line) =>
    [...line.trim().matchAll(begin)].flatMap(([, name = '', rest = '']) => {
      const script = /^npm run(?: -s)? ([\w:]+)/.exec(name)?.[1];
      if (script !== undefined && !Object.hasOwn(scripts, script))
        return [`npm run ${script}: there is no such script`];
      if (script !== undefined && script !== 'chaperone') return [];
      return findUnknown(
        rest
          .trim()
          .split(/\s+/)
          .filter((word) => word !== ''),
      ).map((what) => `${line.trim()}: ${what}`);
    }),
  );
}

function findUnknown(words: readonly string[]): readonly string[] {
  const [command, rest] = findCommand(program, words);
  if (command === program && rest.length > 0 && !/^(help|-|COMMAND)/.test(rest[0] ?? ''))
    return [`no command ${rest[0]}`];
  if (command === program) return [];
  return rest.flatMap((word, index) => {
    if (!/^--?[a-z]/.test(word)) return [];
    const [flag = '', value = rest[index + 1]] = word.split('=');
    if (flag === '--help' || flag === '-h') return [];
    const option = command.options.find(({ long, short }) => long === flag || short === flag);
    if (!option) return [`${command.name()} has no option ${flag}`];
    const { argChoices } = option;
    return argChoices && value !== undefined && !argChoices.includes(value) ? [`${flag} cannot be ${value}`] : [];
  });
}

/** The command that the words name, with what is left of them. A default command has its options, too. */
function findCommand(command: Command, words: readonly string[]): readonly [Command, readonly string[]] {
  const [first, ...rest] = words;
  const named = command.commands.find((one) => one.name() === first);
  if (named) return findCommand(named, rest);
  const standard = command.commands.find((one) => one.name() === Reflect.get(command, '_defaultCommandName'));
  return [standard ?? command, words];
}
