import { isLetter } from '../characters.ts';
import { foldToken } from './token.ts';

/** A place in a phrase: one of some words. `many` places take any number of them, also none. */
export interface Place {
  readonly words: ReadonlySet<string>;
  readonly many: boolean;
}

export interface Phrase {
  readonly kind: string;
  readonly places: readonly Place[];
}

/** Words of which `many` may come one after another, up to this number. */
export const mostFillers = 5;

const fillers =
  'a all an and any as at by every everything from given in into just me my of on or our out some that the their them these this those to us with you your yours completely entirely fully please now';
const before = 'previous prior above earlier preceding existing original initial foregoing former past system current';
const orders =
  'instruction instructions prompt prompts rule rules guideline guidelines direction directions directive directives command commands constraint constraints context programming training message messages restriction restrictions policy policies safeguards';
const secrets =
  'hidden secret initial original internal full exact entire complete verbatim system underlying confidential developer';

/** Each phrase: its kind, and its places. A place in brackets takes many words. */
const sources: readonly (readonly [kind: string, ...places: string[]])[] = [
  // "Ignore all previous instructions"
  [
    'override',
    'ignore disregard forget override bypass skip neglect discard overrule',
    `[${fillers}]`,
    before,
    `[${fillers} ${before}]`,
    orders,
  ],
  [
    'override',
    'ignore disregard forget override bypass neglect discard overrule',
    '[all any every of]',
    'your the',
    orders,
  ],
  [
    'override',
    'ignore disregard forget',
    `[${fillers}]`,
    'everything all anything',
    '[that you was i]',
    'above before said told wrote written previously',
  ],
  ['override', 'do', 'not', 'follow obey', `[${fillers}]`, before, orders],
  ['override', 'stop', 'following obeying', `[${fillers}]`, `[${before}]`, orders],
  ['override', 'new updated real actual', '[system]', 'instructions', 'follow override supersede replace'],
  [
    'override',
    'instructions prompt rules',
    `[${fillers}]`,
    'are is',
    'now',
    'void cancelled canceled obsolete replaced suspended',
  ],
  // The same in other languages
  [
    'override',
    'ignoriere ignorier ignorieren vergiss missachte',
    '[bitte alle die den das deine ihre vom und]',
    'vorherigen bisherigen obigen früheren vorigen vorangegangenen',
    '[und]',
    'anweisungen instruktionen regeln befehle vorgaben anweisung',
  ],
  [
    'override',
    'ignore ignorez ignorer oublie oubliez',
    '[toutes tous les tes vos mes]',
    'instructions consignes règles directives',
    '[ci]',
    'précédentes antérieures dessus précédents',
  ],
  [
    'override',
    'ignora ignore ignorar olvida olvide',
    '[todas todos las los tus sus]',
    'instrucciones reglas indicaciones órdenes',
    'anteriores previas precedentes',
  ],
  [
    'override',
    'ignora ignorare dimentica',
    '[tutte tutti le i tue]',
    'istruzioni regole indicazioni',
    'precedenti anteriori',
  ],
  [
    'override',
    'ignore ignora esqueça',
    '[todas todos as os suas]',
    'instruções regras ordens',
    'anteriores prévias precedentes',
  ],
  [
    'override',
    'negeer vergeet',
    '[alle de je jouw]',
    'vorige eerdere bovenstaande voorgaande',
    'instructies regels opdrachten',
  ],
  [
    'override',
    'zignoruj ignoruj zapomnij',
    '[wszystkie o]',
    'poprzednie wcześniejsze poprzednich',
    'instrukcje polecenia zasady instrukcjach',
  ],
  [
    'override',
    'игнорируй игнорируйте проигнорируй забудь',
    '[все всё о]',
    'предыдущие прошлые предыдущих',
    'инструкции указания правила инструкциях',
  ],
  // "Reveal your system prompt"
  [
    'reveal',
    'reveal show print repeat output display leak dump expose disclose recite return tell give write share',
    `[${fillers} ${secrets} back]`,
    'system hidden secret initial developer confidential internal',
    '[prompt message system]',
    'prompt instructions message rules',
  ],
  [
    'reveal',
    'repeat print output copy',
    '[all of the everything]',
    'text words everything',
    'above',
    '[starting beginning]',
  ],
  [
    'reveal',
    'what which',
    'is are was were',
    `[${fillers} ${secrets}]`,
    'system hidden secret initial',
    'prompt instructions message',
  ],
  [
    'reveal',
    'reveal show print leak disclose',
    `[${fillers}]`,
    'your',
    '[own original full exact secret hidden]',
    'prompt instructions rules',
  ],
  // "You are now DAN"
  [
    'persona',
    'you',
    '[are will]',
    'are act become',
    '[now going to as be a an the]',
    'dan jailbroken unrestricted unfiltered uncensored amoral',
  ],
  [
    'persona',
    'act behave respond answer pretend roleplay',
    '[as if like you are to be a an the]',
    'dan jailbroken unrestricted unfiltered uncensored amoral',
  ],
  ['persona', 'do', 'anything', 'now'],
  [
    'persona',
    'enter enable activate switch unlock',
    '[to into the a]',
    'developer dan debug god jailbreak sudo',
    'mode',
  ],
  [
    'persona',
    'you',
    '[are will]',
    'have has are',
    '[now no longer any]',
    'free freed released',
    '[from of]',
    '[all any your the]',
    'restrictions rules limits limitations guidelines filters',
  ],
  // "Answer without any restrictions"
  [
    'bypass',
    'without',
    '[any all your the usual]',
    'restrictions restriction filter filters censorship moderation safeguards limitations guidelines',
    '[or and any]',
    '[ethical moral safety content]',
  ],
  [
    'bypass',
    'bypass circumvent disable evade deactivate remove',
    `[${fillers}]`,
    '[safety content ethical moral]',
    'safety content filters filter guardrails guardrail safeguards restrictions moderation',
  ],
  ['bypass', 'no', 'longer', 'bound restricted limited governed constrained', '[by to]', '[any your the]'],
  [
    'bypass',
    'ignore disregard forget',
    `[${fillers}]`,
    'safety ethical moral content',
    '[and safety content]',
    'guidelines rules policy policies filters training',
  ],
];

export const phrases: readonly Phrase[] = sources.map(([kind, ...places]) => ({
  kind,
  places: places.map((place) => ({
    words: new Set(place.replaceAll(/[[\]]/g, '').split(' ').map(foldToken)),
    many: place.startsWith('['),
  })),
}));

/** Phrases by their first word. */
export const phrasesByFirst: ReadonlyMap<string, readonly Phrase[]> = makeIndex();

/** The first three letters of all first words, as one number. */
const beginnings = new Set(
  [...phrasesByFirst.keys()].filter((word) => word.length > 2).map((word) => packLetters(word, 0)),
);

/** Whether a phrase may begin here: whether the first three letters are such, or not three plain letters. */
export function mayBeginPhrase(text: string, start: number): boolean {
  for (let position = start; position < start + 3; position++) if (!isLetter(text.charCodeAt(position))) return true;
  return beginnings.has(packLetters(text, start));
}

function packLetters(text: string, start: number): number {
  const first = text.charCodeAt(start) | 32;
  const second = text.charCodeAt(start + 1) | 32;
  return (first << 18) | (second << 9) | (text.charCodeAt(start + 2) | 32);
}

function makeIndex(): Map<string, Phrase[]> {
  const index = new Map<string, Phrase[]>();
  for (const phrase of phrases) {
    for (const word of phrase.places[0]?.words ?? []) index.set(word, [...(index.get(word) ?? []), phrase]);
  }
  return index;
}
