import { renderMermaidSVG } from 'beautiful-mermaid';
import MarkdownIt from 'markdown-it';
import { highlight } from './highlight.ts';

export interface Heading {
  readonly level: number;
  readonly text: string;
  readonly anchor: string;
}

export interface Rendered {
  readonly html: string;
  readonly headings: readonly Heading[];
}

/** @param resolve turns a link of the document into the address of a page */
export function renderMarkdown(markdown: string, resolve: (href: string) => string): Rendered {
  const parser = new MarkdownIt({ html: true });
  const headings: Heading[] = [];
  const makeAnchor = makeAnchors();
  parser.core.ruler.push('chaperone', ({ tokens }) => {
    for (const [index, token] of tokens.entries()) {
      if (token.type === 'heading_open') {
        const inline = tokens[index + 1];
        const text = (inline?.children ?? [])
          .filter(({ type }) => type === 'text' || type === 'code_inline')
          .map(({ content }) => content)
          .join('');
        const anchor = makeAnchor(text);
        token.attrSet('id', anchor);
        headings.push({ level: Number(token.tag.slice(1)), text, anchor });
      }
      for (const child of token.children ?? []) {
        const href = child.type === 'link_open' ? child.attrGet('href') : null;
        if (href !== null) child.attrSet('href', resolve(href));
      }
    }
  });
  parser.renderer.rules.heading_close = (tokens, index) => {
    const { tag } = tokens[index] as { tag: string };
    const anchor = tokens[index - 2]?.attrGet('id') ?? '';
    return `<a class="anchor" href="#${anchor}" aria-label="Link to this section">#</a></${tag}>\n`;
  };
  parser.renderer.rules.fence = (tokens, index) => renderFence(tokens[index] as { info: string; content: string });
  parser.renderer.rules.code_block = (tokens, index) =>
    renderFence({ info: 'sh', content: tokens[index]?.content ?? '' });
  parser.renderer.rules.table_open = () => '<div class="table"><table>\n';
  parser.renderer.rules.table_close = () => '</table></div>\n';
  const html = parser.render(markdown.replace(/^<!--[\s\S]*?-->\n/, ''));
  return { html, headings };
}

function renderFence({ info, content }: { readonly info: string; readonly content: string }): string {
  const language = info.trim().split(/\s/)[0] ?? '';
  if (language === 'mermaid') return renderPicture(content);
  return `<div class="code"><button type="button" class="copy">Copy</button><pre tabindex="0"><code>${highlight(content, language)}</code></pre></div>\n`;
}

/** A diagram as an image in the page, in the page's colours. */
function renderPicture(source: string): string {
  const svg = renderMermaidSVG(source, { bg: 'var(--page)', fg: 'var(--text)', transparent: true })
    // Nothing is fetched from elsewhere; and a style sheet within a page is for all of it.
    .replace(/@import url\([^)]*\);/g, '')
    .replace(/text \{ font-family[^}]*\}/g, '')
    // It may shrink with the page, but stays readable.
    .replace(
      / width="([\d.]+)" height="[\d.]+"( style=")/,
      (_, width, style) =>
        `${style}width:100%;max-width:${Math.round(width)}px;min-width:${Math.round(width * 0.6)}px;`,
    );
  return `<figure class="picture" tabindex="0">${svg}</figure>\n`;
}

/** Anchors as GitHub gives them: equal headings are numbered. */
function makeAnchors(): (heading: string) => string {
  const counts = new Map<string, number>();
  return (heading) => {
    const plain = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const count = counts.get(plain) ?? 0;
    counts.set(plain, count + 1);
    return count === 0 ? plain : `${plain}-${count}`;
  };
}
