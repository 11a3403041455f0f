import { en, type Texts } from './texts/en.ts';

export const positions = ['bottom-right', 'bottom-left', 'top-right', 'top-left'] as const;
export const modes = ['light', 'dark', 'auto'] as const;

/** How a page wants the widget. */
export interface Settings {
  readonly apiKey: string;
  /** Where Chaperone is, without `/api/v1`. */
  readonly baseUrl: string;
  /** Undefined: the lower corner at the end of a line. */
  readonly position: (typeof positions)[number] | undefined;
  readonly mode: (typeof modes)[number];
  /** CSS values. Undefined: those of the widget. */
  readonly primaryColor: string | undefined;
  readonly fontFamily: string | undefined;
  readonly borderRadius: string | undefined;
  /** Undefined: that of the language. */
  readonly greeting: string | undefined;
  readonly title: string | undefined;
  readonly language: string | undefined;
  readonly texts: Partial<Texts>;
  readonly autoOpen: boolean;
  /** Paths. Undefined: every page. */
  readonly showOnPages: readonly string[] | undefined;
  readonly hideOnMobile: boolean;
}

export interface Surroundings {
  /** Where the script comes from. Undefined: unknown. */
  readonly scriptUrl: string | undefined;
  /** Whether the browser knows a CSS value. */
  readonly isCss: (property: string, value: string) => boolean;
}

export interface ReadSettings {
  /** Undefined: the widget cannot be shown. */
  readonly settings: Settings | undefined;
  /** What is wrong, in words for the page's developer. What is wrong does not count. */
  readonly problems: readonly string[];
}

/** Reads the configuration that a page states. */
export function readSettings(config: unknown, { scriptUrl, isCss }: Surroundings): ReadSettings {
  const problems: string[] = [];
  const page = makeReader(config, '', problems);
  const theme = typeof page.value('theme') === 'object' ? page.section('theme') : undefined;
  const behavior = page.section('behavior');
  const css = (name: string, property: string) => {
    const value = theme?.text(name);
    if (value === undefined || isCss(property, value)) return value;
    problems.push(`theme.${name} must be a value of the CSS property ${property}, not ${show(value)}`);
    return undefined;
  };
  const apiKey = page.text('apiKey');
  const settings = {
    apiKey: apiKey ?? '',
    baseUrl: page.text('baseUrl') ?? placeOf(scriptUrl) ?? '',
    position: page.oneOf('position', positions),
    mode: (theme ? theme.oneOf('mode', modes) : page.oneOf('theme', modes)) ?? 'auto',
    primaryColor: css('primaryColor', 'color'),
    fontFamily: css('fontFamily', 'font-family'),
    borderRadius: css('borderRadius', 'border-radius'),
    greeting: page.text('greeting'),
    title: page.text('title'),
    language: page.text('language'),
    texts: readTexts(page.section('texts')),
    autoOpen: behavior.flag('autoOpen'),
    showOnPages: behavior.list('showOnPages'),
    hideOnMobile: behavior.flag('hideOnMobile'),
  };
  for (const reader of [page, theme, behavior]) reader?.refuseOthers();
  const wrong = whyNotShown(settings);
  if (wrong !== undefined) problems.push(wrong);
  return { settings: wrong === undefined ? settings : undefined, problems };
}

function whyNotShown({ apiKey, baseUrl }: Settings): string | undefined {
  if (apiKey === '') return 'apiKey is missing: it is a public key, pk_…, which an admin makes at /v1/keys';
  if (apiKey.startsWith('sk_'))
    return 'apiKey is a secret key, which everybody could read here: revoke it, and state a public one, pk_…';
  if (!/^https?:/.test(baseUrl) || !URL.canParse(baseUrl))
    return 'baseUrl is missing: it is the address of Chaperone, such as https://support.example.com';
  return undefined;
}

function show(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return 'this';
  }
}

/** `https://support.example.com/widget.js` as `https://support.example.com`. */
function placeOf(scriptUrl: string | undefined): string | undefined {
  return scriptUrl?.replace(/[?#].*$/, '').replace(/\/[^/]*$/, '');
}

function readTexts(section: Reader): Partial<Texts> {
  const names = Object.keys(en) as (keyof Texts)[];
  const stated = names.flatMap((name) => {
    const value = section.text(name);
    return value === undefined ? [] : [[name, value]];
  });
  section.refuseOthers();
  return Object.fromEntries(stated);
}

/** Reads the fields of one object, and collects what is wrong with them. */
interface Reader {
  value(name: string): unknown;
  text(name: string): string | undefined;
  flag(name: string): boolean;
  oneOf<const Value extends string>(name: string, values: readonly Value[]): Value | undefined;
  list(name: string): readonly string[] | undefined;
  section(name: string): Reader;
  /** Tells of fields that nobody has asked for. */
  refuseOthers(): void;
}

function makeReader(object: unknown, path: string, problems: string[]): Reader {
  const isObject = typeof object === 'object' && object !== null && !Array.isArray(object);
  if (!isObject && object !== undefined) problems.push(`${path.slice(0, -1) || 'the configuration'} must be an object`);
  const fields: Readonly<Record<string, unknown>> = isObject ? { ...object } : {};
  const known = new Set<string>();
  const value = (name: string) => {
    known.add(name);
    return fields[name];
  };
  const typed = <T>(name: string, expected: string, accepts: (given: unknown) => given is T): T | undefined => {
    const given = value(name);
    if (given === undefined || accepts(given)) return given;
    problems.push(`${path}${name} must be ${expected}, not ${show(given)}`);
    return undefined;
  };
  const isText = (given: unknown): given is string => typeof given === 'string' && given.trim() !== '';
  return {
    value,
    text: (name: string) => typed(name, 'a text', isText),
    flag: (name: string) => typed(name, 'true or false', (given) => typeof given === 'boolean') ?? false,
    oneOf: <const Value extends string>(name: string, values: readonly Value[]) =>
      typed(name, `one of ${values.join(', ')}`, (given): given is Value => values.some((one) => one === given)),
    list: (name: string) =>
      typed(name, 'a list of paths', (given): given is string[] => Array.isArray(given) && given.every(isText)),
    section: (name) => makeReader(value(name), `${path}${name}.`, problems),
    refuseOthers() {
      for (const name of Object.keys(fields)) {
        if (!known.has(name)) problems.push(`${path}${name} is no option; there are ${[...known].join(', ')}`);
      }
    },
  };
}
