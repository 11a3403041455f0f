// Runs a script of this repository on the Node version that the code targets, after installing missing packages. Only
// this file must run on every Node that `engines` allows. Everything it starts runs on Node 26.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const targetMajor = 26;

function installed() {
  const marker = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(marker)) return false;
  return statSync(marker).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

function install() {
  process.stderr.write('Installing dependencies (first run only) ...\n');
  const npm = process.env.npm_execpath;
  const [command, prefix] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const args = [...prefix, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    process.stderr.write('npm ci failed; see its messages above.\n');
    process.exit(1);
  }
}

function findNode() {
  const bundled = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(bundled)) return bundled;
  if (Number(process.versions.node.split('.')[0]) >= targetMajor) return process.execPath;
  process.stderr.write(
    `Chaperone runs on Node ${targetMajor}. Its package for ${process.platform}-${process.arch} is not installed ` +
      `and this is Node ${process.versions.node}; install Node ${targetMajor} and try again.\n`,
  );
  process.exit(1);
}

/** Two commands that install at once would each delete what the other has written: the second waits for the first. */
function installOnce() {
  const lock = join(root, '.installing');
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (isLeft(lock)) rmSync(lock, { force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  process.on('exit', () => rmSync(lock, { force: true }));
  if (!installed()) install();
  rmSync(lock, { force: true });
}

/** Whether the process that made a lock has ended without removing it. */
function isLeft(lock) {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

if (!installed()) installOnce();

const [script, ...args] = process.argv.slice(2);
if (!script || !existsSync(join(root, script))) {
  process.stderr.write(`usage: node scripts/run.mjs SCRIPT [ARGUMENT...]; no such script: ${script ?? '(none)'}\n`);
  process.exit(1);
}
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
// Ctrl-C reaches the whole process group, so the child handles it. SIGTERM reaches only this process and is passed on.
// For the same reason package.json's scripts use `exec`: a shell in between would die of the SIGTERM from npm.
const child = spawn(findNode(), [join(root, script), ...args], {
  stdio: 'inherit',
  env: {
    ...process.env,
    CHAPERONE_VERSION: version,
    // Node's compile cache halves the time of a start.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'compiled'),
  },
});
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
