import { Registry } from 'prom-client';

/**
 * A registry with metrics that write their series themselves: those of thousands of objects would be a third of the
 * operator's memory as objects of prom-client.
 */
export class TextRegistry extends Registry {
  readonly #texts: (() => string)[] = [];

  /** @param render the metric in Prometheus' text form, with a line break at its end */
  registerText(render: () => string): void {
    this.#texts.push(render);
  }

  override async metrics(): Promise<string> {
    return [await super.metrics(), ...this.#texts.map((render) => render())].join('\n');
  }
}
