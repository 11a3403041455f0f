/**
 * Writes a bundled program in ASCII. The bundler does so itself, except in regular expressions and comments. There, an
 * escape means the same, with and without the flags `u` and `v`.
 *
 * The program is read as latin1 (program.ts), in which V8 also keeps it: one byte for each character, not two.
 * Read so, `/né/` would match other texts.
 */
export function inAscii(program: string): string {
  // Without the flag `u`, each half of a pair of surrogates is a character of its own.
  return program.replace(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
