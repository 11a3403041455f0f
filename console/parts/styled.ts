import { Directive, directive, type ElementPart } from 'lit/directive.js';
import { noChange } from 'lit/html.js';

/**
 * Sets properties of an element's style that must be computed: `<span ${styled({ 'inline-size': '4px' })}>`. lit's
 * `styleMap` writes an attribute at first, which the Content-Security-Policy forbids.
 */
class Styled extends Directive {
  render(_properties: Readonly<Record<string, string>>) {
    return noChange;
  }

  override update({ element }: ElementPart, [properties]: [Readonly<Record<string, string>>]) {
    if (element instanceof HTMLElement) {
      for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
    }
    return noChange;
  }
}

export const styled = directive(Styled);
