import { digits, upperLetters } from '../characters.ts';
import { anyDigit } from '../mark.ts';
import { nothing, type Recognizer, undecided } from '../recognizer.ts';

/** The longest address that is waited for. */
const longest = 120;

/** How addresses of a language are written. */
interface Form {
  readonly firstCharacters: string;
  readonly pattern: RegExp;
  /** Matches every beginning of what `pattern` looks at, so that a stream knows when to wait. */
  readonly unfinished: RegExp;
}

const word = String.raw`[\p{Lu}\d][\p{L}\d.'’-]{0,24}`;
const streetTypes =
  'Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Parkway|Pkwy|Highway|Hwy|Way|Close|Crescent|Gardens|Garden|Row|Mews|Circle|Cir|Trail|Loop|Plaza|Park|Path|Walk|Grove|Hill|Parade|Green|Heights|Ridge|Point|Crossing|Turnpike|Alley|Bend|Cove|Glen';
const unit = String.raw`(?:,? (?:Apt|Apartment|Unit|Suite|Ste|Flat|Floor|Fl)\.? ?#?\w{1,6})?`;
const postcode = String.raw`(?:[A-Z]{2} \d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})`;
const city = String.raw`(?:, \p{Lu}[\p{L}'’-]{1,24}(?: \p{Lu}[\p{L}'’-]{1,24}){0,2},? ${postcode})?`;

/** `221B Baker Street, London NW1 6XE`, `1600 Pennsylvania Ave, Apt 4, Washington, DC 20500` */
const english: Form = {
  firstCharacters: digits.slice(1),
  pattern: new RegExp(
    String.raw`^\d{1,5}[A-Za-z]?(?:-\d{1,5})? (?:${word} ){1,4}(?:${streetTypes})(?![\p{L}\d])\.?${unit}${city}`,
    'u',
  ),
  unfinished: /^\d{1,5}(?:[A-Za-z]|-\d{0,5})?(?: [\p{Lu}\d#][\p{L}\d.'’#-]{0,24},?){0,12} ?$/u,
};

const place = String.raw`(?:,? \d{4,5}(?: [A-Z]{2})? \p{Lu}[\p{L}'’-]{1,24})?`;
const houseNumber = String.raw`\d{1,4}(?: ?[a-hA-H](?!\p{L}))?`;

/** `Musterstraße 12a, 10115 Berlin`, `Keizersgracht 123`, `Drottninggatan 5` */
const germanic: Form = {
  firstCharacters: upperLetters,
  pattern: new RegExp(
    String.raw`^\p{Lu}[\p{L}.-]{1,24}(?:straße|strasse|str\.|weg|platz|allee|gasse|straat|laan|plein|gracht|gatan|vägen|gade|vej|allén|gränd|singel|dijk|kade) ${houseNumber}(?![\p{L}\d])${place}`,
    'u',
  ),
  unfinished:
    /^\p{Lu}[\p{L}.-]{0,34}(?:(?<=straße|strasse|str\.|weg|platz|allee|gasse|straat|laan|plein|gracht|gatan|vägen|gade|vej|allén|gränd|singel|dijk|kade) (?:\d{1,4} ?[a-hA-H]?(?:,? ?(?:\d{1,5}(?: (?:[A-Z]{2} )?(?:\p{Lu}[\p{L}'’-]{0,25})?)?)?)?)?)?$/u,
};

const particles = `(?:de |la |le |les |du |des |del |della |dei |da |das |do |dos |el |los |las |l'|d'|l’|d’)`;
const name = String.raw`(?:${particles}{0,2}\p{Lu}[\p{L}.'’-]{0,24})`;

/** An alternative of all beginnings of the words: `r|ru|rue`. */
const beginningsOf = (words: string) =>
  words
    .split('|')
    .flatMap((each) => Array.from(each, (_, index) => each.slice(0, index + 1)))
    .join('|')
    .replaceAll('.', String.raw`\.`);

const frenchTypes = 'rue|avenue|av.|boulevard|bd|place|chemin|allée|impasse|quai|route|cours|voie|passage|square';
const southernTypes =
  'Calle|C/|Avenida|Avda.|Plaza|Paseo|Glorieta|Ronda|Camino|Via|Viale|Piazza|Corso|Largo|Strada|Contrada|Rua|Travessa|Praça|Alameda|ulica|ul.|al.';
const literally = (words: string) => `(?:${words.replaceAll('.', String.raw`\.`)})`;
/** What may follow the type of the street. */
const rest = String.raw`(?:[\p{L}.'’-]{1,25},? ?){0,9}(?:nº? ?)?(?:\d{0,4},? ?(?:\d{1,5} ?(?:[A-Z]{2} )?(?:\p{Lu}[\p{L}'’-]{0,25})?)?)?`;

/** `12 rue de la Paix, 75002 Paris` */
const french: Form = {
  firstCharacters: digits.slice(1),
  pattern: new RegExp(
    String.raw`^\d{1,4}(?: bis| ter)?,? ${literally(frenchTypes)} ${name}(?: ${name}){0,3}${place}`,
    'u',
  ),
  unfinished: new RegExp(
    String.raw`^\d{1,4}(?: b| bi| bis| t| te| ter)?,?(?: (?:(?:${beginningsOf(frenchTypes)})|${literally(frenchTypes)} ${rest})?)?$`,
    'u',
  ),
};

/** `Calle de Alcalá, 42`, `Via Roma 12, 00184 Roma`, `Rua Augusta, 1200`, `Rue` is French and has its number before. */
const southern: Form = {
  firstCharacters: 'ACGLPRSTVau',
  pattern: new RegExp(
    String.raw`^${literally(southernTypes)} ?${name}(?: ${name}){0,3},? (?:n\.? ?|nº ?)?\d{1,4}(?!\d)${place}`,
    'u',
  ),
  unfinished: new RegExp(`^(?:(?:${beginningsOf(southernTypes)})|${literally(southernTypes)} ?${rest})$`, 'u'),
};

export const addresses: readonly Recognizer[] = [english, french, germanic, southern].map(toRecognizer);

function toRecognizer({ firstCharacters, pattern, unfinished }: Form): Recognizer {
  return {
    kind: 'address',
    firstCharacters,
    needs: { mark: anyDigit, within: longest },
    lookBehind: 1,
    maxHeldBack: longest,
    matchAt: (text, start, complete) => {
      const slice = text.slice(start, start + longest);
      if (slice.length < longest && !complete && unfinished.test(slice)) return undecided;
      const found = pattern.exec(slice);
      return found === null ? nothing : start + found[0].length;
    },
  };
}
