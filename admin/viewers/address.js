/** Addresses of images: taking them apart, putting them together. */

/** Text for a query, with what is readable left readable. */
export function encoded(text) {
  return encodeURIComponent(text).replace(/%(2F|3A|2C)/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
}

/** A query string of an object; what is null or undefined is left out. */
export function queryOf(values) {
  return Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${encoded(name)}=${encoded(String(value))}`)
    .join('&');
}

/** The values of a query string; the first of equal names wins. */
export function valuesOf(query, keepBlanks = true) {
  const values = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (!(name in values) && (keepBlanks || value !== '')) values[name] = value;
  }
  return values;
}

/** The address of an image: absolute, "//host" or relative to the page. */
export class ImageAddress {
  constructor(url) {
    const whole = new URL(url, document.baseURI);
    this.path = whole.origin + whole.pathname;
    this.values = valuesOf(whole.search, false);
  }

  get src() {
    return this.values.src || '';
  }

  /** Where the server's addresses begin, with the final slash: a path prefix before "/image" belongs to it. */
  get server() {
    return this.path.slice(0, this.path.lastIndexOf('/') + 1);
  }

  /** Without the parameters that align a picture in its frame. */
  withoutAligns() {
    delete this.values.halign;
    delete this.values.valign;
    return this;
  }

  /** The address with some parameters set, or removed if they are null. */
  with(values) {
    return `${this.path}?${queryOf({ ...this.values, ...values })}`;
  }
}

/** A server's address with the final slash, absolute. */
export function serverUrl(server) {
  const url = new URL(server || '/', document.baseURI);
  const whole = url.origin + url.pathname;
  return whole.endsWith('/') ? whole : `${whole}/`;
}
