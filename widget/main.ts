// Becomes `GET /widget.js`: the support desk's chat for web pages.
import { readSettings } from './config.ts';
import { ChatElement, report } from './element.ts';

declare global {
  interface Window {
    ChaperoneConfig?: unknown;
    OurPlatformConfig?: unknown;
  }
}

const name = 'chaperone-chat';
/** What a page can state at the script's element, where its policy forbids scripts within the page. */
const stated = ['apiKey', 'baseUrl', 'position', 'theme', 'greeting', 'title', 'language'];

const script =
  document.currentScript instanceof HTMLScriptElement
    ? document.currentScript
    : document.querySelector<HTMLScriptElement>('script[src*="/widget.js"]');

function readConfig(): object | undefined {
  const attributes = Object.entries(script?.dataset ?? {}).filter(([option]) => stated.includes(option));
  const config = window.ChaperoneConfig ?? window.OurPlatformConfig;
  if (config === undefined) return attributes.length > 0 ? Object.fromEntries(attributes) : undefined;
  return typeof config === 'object' ? { ...Object.fromEntries(attributes), ...config } : [config];
}

/** @returns whether there is a configuration */
function start(): boolean {
  const config = readConfig();
  if (config === undefined) return false;
  const isCss = (property: string, value: string) => CSS.supports(property, value);
  const { settings, problems } = readSettings(config, { scriptUrl: script?.src, isCss });
  for (const problem of problems) report(problem);
  if (!settings) return true;
  const found = document.querySelector(name);
  const element = found instanceof ChatElement ? found : new ChatElement();
  element.start(settings);
  if (!element.isConnected) document.body.append(element);
  return true;
}

function startAtEnd(): void {
  if (!start()) report('there is no configuration: set window.ChaperoneConfig = { apiKey: "pk_…" } before the script');
}

// A page that loads the script twice has one chat.
if (!customElements.get(name)) {
  customElements.define(name, ChatElement);
  // The script may run before the page states its configuration, and before its body is there.
  if (document.readyState === 'complete') startAtEnd();
  else if (!document.body || !start()) window.addEventListener('load', startAtEnd, { once: true });
}
