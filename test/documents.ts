import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The documents whose shell blocks are run by test/e2e/walk.test.ts. */
export const walkedDocuments = ['charts/chaperone/README.md', 'docs/kubernetes.md'] as const;

/** What stands between two fences. */
export interface Block {
  readonly document: string;
  /** The nearest heading above, without its hashes. */
  readonly heading: string;
  /** Of the first line inside, from 1. */
  readonly line: number;
  /** What stands behind the opening fence. */
  readonly language: string;
  readonly text: string;
}

export function readBlocks(document: string): readonly Block[] {
  return parseBlocks(document, readFileSync(join(import.meta.dirname, '..', document), 'utf8'));
}

export function parseBlocks(document: string, markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: { readonly line: number; readonly language: string } | undefined;
  const lines = markdown.split('\n');
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('```')) {
      if (!open && /^#+ /.test(line)) heading = line.replace(/^#+ /, '');
      continue;
    }
    if (open) {
      blocks.push({ document, heading, ...open, text: lines.slice(open.line - 1, index).join('\n') });
      open = undefined;
    } else open = { line: index + 2, language: line.slice(3).trim() };
  }
  if (open) throw new Error(`${document}:${open.line}: the block has no end`);
  return blocks;
}
