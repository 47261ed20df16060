// The public API, from a page: one call each, lists page by page, and what becomes of sessions that end meanwhile.

import {encodeQuery, page} from './dom.js';
import {askToSignIn, tellTrouble} from './trouble.js';

const VERSION = 'api/v1/';

// The one thumbnail of all pages: the same parameters everywhere, so that each is made once. Without padding, which
// would be white on a dark page.
export const THUMB = Object.freeze({
    width: 200, height: 200, autosizefit: 1, format: 'jpg', colorspace: 'srgb', strip: 1, stats: 0,
});

export class ApiError extends Error {
    // `status`: of HTTP, 0 when there was no answer. `parameter`: the field at fault, `faults`: all of them as
    // {parameter, reason}. `data`: what the answer has besides, `headers` its headers.
    constructor(status, message, {data = null, parameter = null, faults = [], headers = null} = {}) {
        super(message);
        this.name = 'ApiError';
        Object.assign(this, {status, data, parameter, faults, headers});
    }
}

// Paths are below the API: `api.get('list/', {path: '/x'})`. Bodies are objects, which become the fields of a form with
// lists and objects in it as JSON, or FormData. Each gives the data of the answer; with {full: true} an object {data, etag, headers, total, status}.
// Rejects with an ApiError, or with an AbortError when `signal` says so.
export const api = {
    get: (path, query, options) => call('GET', path, {query, ...options}),
    post: (path, body, options) => call('POST', path, {body, ...options}),
    put: (path, body, options) => call('PUT', path, {body, ...options}),
    patch: (path, body, options) => call('PATCH', path, {body, ...options}),
    delete: (path, body, options) => call('DELETE', path, {query: body, ...options}),

    // A part of a list: {items, total, next}. `total` is null where it isn't counted, `next` the cursor, or null.
    async page(path, query, options) {
        const answer = await call('GET', path, {query, ...options, full: true});
        return {items: answer.data, total: answer.total, next: cursor(answer.headers.get('Link'))};
    },
};

// All items of a list, one by one, however many pages they come in.
export async function* pages(path, query = {}, {limit = 500, signal} = {}) {
    let start = Number(query.start ?? 0);
    let after = null;
    for (;;) {
        const place = after === null ? {start} : {cursor: after};
        const {items, total, next} = await api.page(path, {...query, limit, ...place}, {signal});
        yield* items;
        start += items.length;
        if (next === null && (items.length < limit || (total !== null && start >= total))) {
            return;
        }
        after = next;
    }
}

// The address of an image below this site: `imageUrl('/a b.jpg', {width: 400})`.
export function imageUrl(src, parameters = {}) {
    return `${page.root}image?${encodeQuery({src, ...parameters})}`;
}

async function call(method, path, options) {
    const {signal} = options;
    for (;;) {
        let answer;
        try {
            answer = await send(method, path, options);
        } catch (error) {
            if (signal?.aborted || error.name === 'AbortError') {
                throw error;
            }
            await tellTrouble(0, {signal, quiet: options.quiet});
            continue;
        }
        if (answer.status === 401 && page.user && !options.quiet) {
            await askToSignIn(); // and once more
            continue;
        }
        if (answer.status === 503 && method === 'GET' && !options.quiet) {
            await tellTrouble(503, {signal, after: Number(answer.headers.get('Retry-After')) || 0});
            continue;
        }
        tellTrouble.over();
        return understood(answer, options);
    }
}

function send(method, path, {query, body, headers = {}, signal}) {
    const address = `${page.root}${VERSION}${path}`;
    const text = encodeQuery(query);
    const more = method === 'GET' ? {} : {'X-CSRF-Token': page.csrf};
    return fetch(text ? `${address}?${text}` : address, {
        method,
        body: encodeBody(body),
        headers: {Accept: 'application/json', ...more, ...headers},
        credentials: 'same-origin',
        signal,
    });
}

function encodeBody(body) {
    if (body === undefined || body === null || body instanceof FormData || body instanceof Blob) {
        return body ?? undefined;
    }
    const fields = new URLSearchParams();
    for (const [name, value] of Object.entries(body)) {
        if (value !== undefined && value !== null) {
            fields.append(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
        }
    }
    return fields;
}

async function understood(answer, {full}) {
    const text = await answer.text();
    let envelope = {};
    try {
        envelope = text ? JSON.parse(text) : {};
    } catch {
        // not ours; the status says enough
    }
    if (!answer.ok) {
        const message = envelope.detail || envelope.message || answer.statusText || String(answer.status);
        throw new ApiError(answer.status, message, {
            data: envelope.data ?? null,
            parameter: envelope.parameter ?? null,
            faults: envelope.errors ?? [],
            headers: answer.headers,
        });
    }
    const data = 'data' in envelope ? envelope.data : envelope;
    if (!full) {
        return data;
    }
    const total = answer.headers.get('X-Total-Count');
    return {
        data,
        etag: answer.headers.get('ETag'),
        headers: answer.headers,
        total: total === null ? null : Number(total),
        status: answer.status,
    };
}

function cursor(link) {
    const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? '');
    return next ? new URL(next[1], location.href).searchParams.get('cursor') : null;
}
