import { readMarkdown } from './blocks.ts';
import type { Block, Inline } from './tree.ts';

/** What a screen reader says of Markdown. */
export function plainText(text: string): string {
  return readMarkdown(text).map(sayBlock).join(' ').replaceAll(/\s+/g, ' ').trim();
}

function sayBlock(block: Block): string {
  switch (block.type) {
    case 'rule':
      return '';
    case 'code':
      return block.text;
    case 'quote':
      return block.children.map(sayBlock).join(' ');
    case 'list':
      return block.items.map((item) => item.map(sayBlock).join(' ')).join('. ');
    case 'table':
      return [block.head, ...block.rows].map((row) => row.map(sayInlines).join(', ')).join('. ');
    default:
      return sayInlines(block.children);
  }
}

function sayInlines(inlines: readonly Inline[]): string {
  return inlines
    .map((inline) => {
      if (inline.type === 'break') return ' ';
      return 'text' in inline ? inline.text : sayInlines(inline.children);
    })
    .join('');
}
