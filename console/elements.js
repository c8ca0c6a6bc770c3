/**
 * Makes an element. Text is put in as text, never read as HTML: names and subjects come from anywhere.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Readonly<Record<string, string>>} attributes
 * @param {readonly (Node | string | undefined)[]} content
 * @returns {HTMLElementTagNameMap[Name]}
 */
export const element = (name, attributes = {}, ...content) => {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...content.filter((one) => one !== undefined));
  return made;
};

/** @param {string} id */
const place = (id) => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no ${id}`);
  return found;
};

/** @param {readonly Node[]} content */
export const showHeader = (...content) => place('who').replaceChildren(...content);

/** @param {readonly Node[]} content */
export const showMain = (...content) => place('main').replaceChildren(...content);

/**
 * Says what has happened, to those who see it and to those who hear it.
 *
 * @param {string} text
 */
export const tell = (text) => {
  place('news').textContent = text;
};

/**
 * A button that works on one press at a time. It stays in focus meanwhile, which a disabled one would lose.
 *
 * @param {string} label
 * @param {() => Promise<void>} press
 * @param {{ main?: boolean, about?: string }} options `about`: what the label alone does not say
 */
export const button = (label, press, { main = false, about } = {}) => {
  const made = element('button', {
    type: 'button',
    ...(main ? { class: 'main' } : {}),
    ...(about === undefined ? {} : { 'aria-label': `${label}: ${about}` }),
  });
  made.textContent = label;
  made.addEventListener('click', async () => {
    if (made.ariaDisabled === 'true') return;
    made.ariaDisabled = 'true';
    try {
      await press();
    } finally {
      made.ariaDisabled = null;
    }
  });
  return made;
};

/**
 * @param {readonly (readonly [string, string | Node | null | undefined])[]} rows those without a text are left out
 */
export const details = (rows) =>
  element(
    'dl',
    {},
    ...rows.flatMap(([name, value]) =>
      value === null || value === undefined || value === '' ? [] : [element('dt', {}, name), element('dd', {}, value)],
    ),
  );

const moments = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/**
 * @param {string | null | undefined} instant
 * @returns {HTMLTimeElement | undefined}
 */
export const moment = (instant) =>
  instant === null || instant === undefined
    ? undefined
    : element('time', { datetime: instant }, moments.format(new Date(instant)));
