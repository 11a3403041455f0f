// What pages do: search, the menu of narrow screens, dark and light, copy buttons.
import MiniSearch from 'minisearch';
import { searchOptions } from './search-options.ts';

const input = document.querySelector('input[type=search]');
const list = document.querySelector('.hits');
const base = input.dataset.root;

/** The index is loaded when somebody searches. */
let loading;
const load = () =>
  (loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = `${base}assets/search-index.js`;
    script.onload = () => resolve(MiniSearch.loadJSON(window.searchIndex, searchOptions));
    script.onerror = reject;
    document.head.append(script);
  }));

async function search() {
  const question = input.value.trim();
  const index = await load();
  if (question !== input.value.trim()) return;
  const hits = question === '' ? [] : index.search(question).slice(0, 12);
  list.replaceChildren(...hits.map(makeHit));
  if (question !== '' && hits.length === 0) list.append(makeElement('li', 'none', 'Nothing has all of these words.'));
  list.hidden = question === '';
}

function makeHit({ id, title, page, beginning }) {
  const link = makeElement('a', '', '');
  link.href = `${base}${id}`;
  link.append(
    makeElement('strong', '', title),
    makeElement('span', 'page', title === page ? '' : page),
    makeElement('span', 'beginning', beginning),
  );
  const item = makeElement('li', '', '');
  item.append(link);
  return item;
}

function makeElement(name, className, text) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

function close() {
  list.hidden = true;
}

/** @param step 1 down, -1 up */
function move(step) {
  const links = [...list.querySelectorAll('a')];
  const next = links[links.indexOf(document.activeElement) + step];
  (next ?? (step < 0 ? input : links.at(-1)))?.focus();
}

input.addEventListener('focus', load);
input.addEventListener('input', search);
document.addEventListener('keydown', (event) => {
  const isTyping = /^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName ?? '');
  if (event.key === '/' && !isTyping) {
    event.preventDefault();
    input.focus();
  }
  if (list.hidden || !document.activeElement?.closest('.search')) return;
  if (event.key === 'Escape') close();
  if (event.key === 'Enter' && document.activeElement === input) list.querySelector('a')?.click();
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    move(event.key === 'ArrowDown' ? 1 : -1);
  }
});
document.addEventListener('click', (event) => {
  if (!event.target.closest('.search') || event.target.closest('.hits a')) close();
});

const menuButton = document.querySelector('.menu-button');
menuButton.addEventListener('click', () => {
  const isOpen = document.body.classList.toggle('menu-open');
  menuButton.setAttribute('aria-expanded', String(isOpen));
});
const here = document.querySelector('.menu [aria-current]');
if (here) here.closest('.menu').scrollTop = here.offsetTop - 120;

document.querySelector('.theme').addEventListener('click', () => {
  const { dataset } = document.documentElement;
  const isDark = dataset.theme ? dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  dataset.theme = isDark ? 'light' : 'dark';
  localStorage.setItem('theme', dataset.theme);
});

for (const button of document.querySelectorAll('.copy')) {
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.nextElementSibling.textContent);
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 1500);
  });
}
