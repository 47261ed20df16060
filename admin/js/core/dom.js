// Making and finding elements, and what the page says about itself. Texts always go in as text nodes.

const about = read('page-about') ?? {};

// Of this page: `root` (path of the site, with slashes), `static` (where our files are), `lang`, `area`, `data` (what
// the server has for the script), `user` (null, or id, username, name, flags, admin), `csrf`.
export const page = {
    ...about,
    data: read('page-data') ?? {},
    csrf: document.querySelector('meta[name="csrf-token"]')?.content ?? '',
    may: flag => Boolean(page.user?.flags.includes(flag)),
};

function read(id) {
    const element = document.getElementById(id);
    return element ? JSON.parse(element.textContent) : null;
}

export function $(selector, root = document) {
    return root.querySelector(selector);
}

export function $$(selector, root = document) {
    return [...root.querySelectorAll(selector)];
}

// An element: `h('a', {href, class: 'button', dataset: {id: 3}, on: {click: run}, 'aria-label': …}, 'text', node, …)`.
// Attributes that are null, undefined or false are left out, true ones are without a value; `disabled`, `checked`,
// `value` and the like go in as properties.
export function h(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
        put(element, name, value);
    }
    add(element, children);
    return element;
}

const PROPERTIES = new Set(['value', 'checked', 'selected', 'indeterminate', 'innerText', 'textContent', 'srcObject']);

function put(element, name, value) {
    if (value === null || value === undefined || value === false) {
        return;
    }
    if (name === 'on') {
        for (const [event, listener] of Object.entries(value)) {
            element.addEventListener(event, listener);
        }
    } else if (name === 'dataset') {
        for (const [key, one] of Object.entries(value)) {
            if (one !== null && one !== undefined) {
                element.dataset[key] = one;
            }
        }
    } else if (name === 'style') {
        // Not as an attribute, which the policy of our pages forbids.
        for (const [property, one] of Object.entries(value)) {
            element.style.setProperty(property, one);
        }
    } else if (name === 'class') {
        element.className = Array.isArray(value) ? value.filter(Boolean).join(' ') : value;
    } else if (PROPERTIES.has(name)) {
        element[name] = value;
    } else {
        element.setAttribute(name, value === true ? '' : String(value));
    }
}

function add(element, children) {
    for (const child of children.flat(Infinity)) {
        if (child !== null && child !== undefined && child !== false) {
            element.append(child instanceof Node ? child : String(child));
        }
    }
}

// What an element has within it from now on: children as h takes them.
export function fill(element, ...children) {
    element.replaceChildren();
    add(element, children);
}

// Says a text only if it is another one: screen readers would say the same again.
export function setText(element, text) {
    if (element.textContent !== text) {
        element.textContent = text;
    }
}

const SVG = 'http://www.w3.org/2000/svg';

// A picture of the sprite. Without a label it is decoration, and the words stand beside it.
export function icon(name, label) {
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('class', 'icon');
    if (label) {
        svg.setAttribute('role', 'img');
        svg.setAttribute('aria-label', label);
    } else {
        svg.setAttribute('aria-hidden', 'true');
    }
    const use = document.createElementNS(SVG, 'use');
    use.setAttribute('href', `${page.static}icons.svg#${name}`);
    svg.append(use);
    return svg;
}

// The address of a page of ours: `url('list/', {path: '/a b'})`. What is null or undefined is left out.
export function url(path, query = {}) {
    const text = encodeQuery(query);
    return `${page.root}${path}${text ? '?' : ''}${text}`;
}

// An address of this site as others can use it.
export function absolute(address) {
    return new URL(address, location.href).href;
}

// A query string in which paths stay readable.
export function encodeQuery(query) {
    const pairs = query instanceof URLSearchParams ? [...query] : Object.entries(query ?? {});
    return pairs
        .flatMap(([name, value]) => (Array.isArray(value) ? value.map(one => [name, one]) : [[name, value]]))
        .filter(([, value]) => value !== null && value !== undefined)
        .map(([name, value]) => `${encode(name)}=${encode(String(value))}`)
        .join('&');
}

function encode(text) {
    return encodeURIComponent(text.toWellFormed?.() ?? text).replace(/%2F/g, '/').replace(/%3A/g, ':').replace(/%2C/g, ',');
}
