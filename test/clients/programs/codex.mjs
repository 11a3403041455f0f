// Codex CLI: a conversation with a command that it runs, and its next turn.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { attempt } from './report.mjs';

const codex = createRequire(import.meta.url).resolve('@openai/codex/bin/codex.js');
// In a home below the system's directory for temporary files Codex works less well.
await mkdir(join(homedir(), '.cache', 'chaperone-tests'), { recursive: true });
const home = await mkdtemp(join(homedir(), '.cache', 'chaperone-tests', 'codex-home-'));
// The sandbox repeats all instructions, and Codex's own would be 3,000 deltas at once. Codex queues 128 events for its
// output, and drops the others but the end of the turn: at times the message itself was missing.
const instructions = join(home, 'instructions.md');
await writeFile(instructions, 'Be brief.');
const config = `
model = "gpt-4o"
model_instructions_file = "${instructions}"
include_apps_instructions = false
include_collaboration_mode_instructions = false
include_environment_context = false
include_permissions_instructions = false
model_provider = "chaperone"

[model_providers.chaperone]
name = "Chaperone"
base_url = "${process.env.OPENAI_BASE_URL}"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
supports_websockets = ${process.env.CODEX_WEBSOCKETS ?? 'false'}

[skills]
include_instructions = false
`;
await writeFile(join(home, 'config.toml'), config);

/** What `codex exec` reports, less its ids. */
async function exec(...args) {
  const options = { env: { ...process.env, CODEX_HOME: home }, cwd: process.env.WORK };
  const running = promisify(execFile)(
    process.execPath,
    [codex, 'exec', '--json', '--skip-git-repo-check', ...args],
    options,
  );
  running.child.stdin.end();
  const { stdout } = await running;
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return events.map(({ type, item, message }) => {
    const { type: kind, text, command, aggregated_output: output, exit_code: code, status } = item ?? {};
    return [type, kind, text && readable(text), command, output, code, status, message];
  });
}

/** The end of what the sandbox says, without what differs from run to run. */
const readable = (text) => text.slice(-200).replace(/(unk ID|Wall time): [\w.]+/g, '$1: …');

try {
  // The sandbox fills the tool's parameters with the numbers. What matters are the second, how many tokens of output
  // Codex shows, and the last, how many milliseconds it waits for the command's end.
  const prompt = 'Use exec_command to run "echo done-by-codex" 1 20000 3 4 5 30000';
  await attempt('command', () => exec('--sandbox', 'read-only', prompt));
  await attempt('next turn', () => exec('resume', '--last', 'Thank you'));
} finally {
  await rm(home, { recursive: true, force: true });
}
