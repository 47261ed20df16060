// Addresses of images, as people can read and paste them anywhere. Pure functions.

const ALSO_ENCODED = {"'": '%27', '(': '%28', ')': '%29', '*': '%2A', '!': '%21'};

// A text as it stands in a query: "/" is left readable, quotes and brackets are not left as they are.
export function encoded(text) {
    return encodeURIComponent(wellFormed(text))
        .replace(/%2F/g, '/')
        .replace(/['()*!]/g, sign => ALSO_ENCODED[sign]);
}

export function query(parameters) {
    return Object.entries(parameters)
        .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
        .join('&');
}

// `server`: with a slash at its end: "https://images.example.com/"
export function imageAddress(server, src, parameters = {}) {
    return `${server}image?${query({src, ...parameters})}`;
}

export function originalAddress(server, src, parameters = {}) {
    return `${server}original?${query({src, ...parameters})}`;
}

// The parameters of a small picture of the result, as it is shown while one works.
export function previewParameters(parameters, effective, size, box = 320) {
    const shown = {...parameters};
    const width = Number(effective.width) || 0;
    const height = Number(effective.height) || 0;
    if (!BROWSER_FORMATS.has(effective.format)) shown.format = 'png';
    shown.colorspace = 'srgb';
    shown.stats = '0';
    shown.cache = '0';
    delete shown.attach;
    delete shown.dpi;
    const scale = Math.min(1, box / Math.max(size.width || box, size.height || box));
    if (width && height) {
        shown.width = String(Math.max(1, Math.round(width * scale)));
        shown.height = String(Math.max(1, Math.round(height * scale)));
    } else {
        shown.width = String(Math.max(1, Math.min(box, size.width || box)));
        shown.height = String(Math.max(1, Math.min(box, size.height || box)));
        shown.autosizefit = '1';
        if (effective.autocropfit === '1') shown.autocropfit = '0';
    }
    return shown;
}

// What browsers can show.
export const BROWSER_FORMATS = new Set([
    'gif',
    'jpg',
    'jpeg',
    'jpe',
    'jfif',
    'jif',
    'pjpg',
    'pjpeg',
    'png',
    'svg',
    'webp',
    'avif',
    'auto',
]);

// Half of a surrogate pair can't be encoded.
function wellFormed(text) {
    return String(text).replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');
}
