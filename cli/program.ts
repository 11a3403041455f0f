import { Command } from 'commander';
import { arrangeHelp } from './arrange-help.ts';
import { addCheck } from './commands/check.ts';
import { addAccount, addKeys, addToken } from './commands/credentials.ts';
import { addOperator, addProxy, addSandbox, addTrainer, addUp, addWorker } from './commands/processes.ts';
import { addAudit, addGet, addTop, addUsage } from './commands/records.ts';
import { addCompletion } from './commands/shell.ts';
import { addJobs, addWebhooks } from './commands/tasks.ts';
import { addExplain, addSimulate } from './commands/what-if.ts';

/**
 * Makes the program with all its commands. Each command loads only its own code, so that a proxy's cold start does not
 * pay for the operator.
 */
export function makeProgram(version: string): Command {
  const program = new Command('chaperone')
    .description('AI governance for Kubernetes: who calls which model, with which persona and key, and what it cost.')
    .version(version)
    .showHelpAfterError('(for more: chaperone --help)');
  // The help lists them in groups (arrange-help.ts).
  for (const add of [
    addUp,
    addOperator,
    addProxy,
    addWorker,
    addSandbox,
    addTrainer,
    addToken,
    addAccount,
    addTop,
    addUsage,
    addAudit,
    addGet,
    addJobs,
    addWebhooks,
    addKeys,
    addExplain,
    addSimulate,
    addCheck,
    addCompletion,
  ]) {
    add(program);
  }
  arrangeHelp(program);
  return program;
}
