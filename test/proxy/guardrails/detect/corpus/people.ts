import type { Random } from './random.ts';

/** First and last names that are common in several countries. The persons are made up. */
const first =
  'Emma Liam Olivia Noah Mia Lucas Anna Paul Sofia Mateo Giulia Marco Camille Hugo Zofia Jakub Elsa Oskar Priya Arjun Beatriz João Sanne Daan María José Aisha Omar Grace Henry'.split(
    ' ',
  );
const last =
  "Smith Johnson Müller Schmidt García Fernández Rossi Bianchi Dubois Lefèvre Kowalski Nowak Andersson Lindqvist Sharma Patel Silva Santos Jansen Bakker O'Connor Taylor Walker Hughes Khan Ali Murphy Clark".split(
    ' ',
  );

export interface Person {
  readonly first: string;
  readonly last: string;
}

export function makePerson(random: Random): Person {
  return { first: random.pick(first), last: random.pick(last) };
}

/** Letters that addresses have. */
function toAscii(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase();
}

const domains =
  'example.com example.org mail.example.net acme.example post.example.de firma-beispiel.de correo.example.es example.co.uk sub.dept.example.edu exemplo.com.br beispiel.email example.museum'.split(
    ' ',
  );

export function makeEmail(random: Random): string {
  const person = makePerson(random);
  const [one, two] = [toAscii(person.first), toAscii(person.last)];
  const local = random.pick([
    `${one}.${two}`,
    `${one}${two}${random.integer(1, 99)}`,
    `${one.charAt(0)}${two}`,
    `${one}_${two}`,
    `${one}+${random.pick(['news', 'shop', 'billing'])}`,
    `${two}-${one}`,
    `${one.charAt(0).toUpperCase()}.${two}`,
    `info`,
  ]);
  const domain = random.pick(domains);
  return `${local}@${random.integer(0, 9) === 0 ? domain.toUpperCase() : domain}`;
}
