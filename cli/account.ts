import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { PassThrough } from 'node:stream';
import { hashPassword, isPassword } from '../database/password-hash.ts';
import { readInput } from './read-input.ts';

/** Standard input, which may be a terminal. */
type Input = Readable & { readonly isTTY?: boolean };

/** `chaperone account hash`: prints the hash of a password, and nothing else. What is typed is not shown. */
export async function hash(input: Input, output: Writable, questions: Writable): Promise<void> {
  const password = input.isTTY ? await askTwice(input, questions) : await readInput(input);
  if (!isPassword(password)) throw new Error('The password must have 1 to 1024 characters');
  output.write(`${await hashPassword(password)}\n`);
}

async function askTwice(input: Input, questions: Writable): Promise<string> {
  // Without a terminal as its output, it echoes nothing.
  const lines = createInterface({ input, output: new PassThrough().resume(), terminal: true });
  const interrupted = new Promise<never>((_, reject) => lines.once('SIGINT', () => reject(new Error('Interrupted'))));
  const ask = async (question: string) => {
    questions.write(question);
    const line = await Promise.race([lines.question(''), interrupted]);
    questions.write('\n');
    return line;
  };
  try {
    const password = await ask('Password: ');
    if ((await ask('Again: ')) !== password) throw new Error('The two are not the same');
    return password;
  } finally {
    lines.close();
  }
}
