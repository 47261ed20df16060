// What is known of a file before any of it is sent: whether the server would take it, and whether it is there already.

import {api} from '../core/api.js';
import {batch, get} from '../core/batch.js';
import {extensionOf} from '../core/paths.js';
import {t} from '../core/texts.js';

const AT_ONCE = 20;
const HASHED_MAX = 32 * 1024 * 1024; // larger ones are looked for after they have come

let asked = null;

// Where files may go and which ones (`GET upload/places/`), asked once a page.
export function places() {
    asked ??= api.get('upload/places/').catch(error => {
        asked = null;
        throw error;
    });
    return asked;
}

// Why a file can't be uploaded, in words; empty if it can.
export function fault(file, {extensions, max_bytes}) {
    const extension = extensionOf(file.name);
    if (!extensions.includes(extension)) {
        return t('fault_type', {extension: extension || '–'});
    }
    if (!file.size) {
        return t('fault_empty');
    }
    if (file.size > max_bytes) {
        return t('fault_size');
    }
    if (file.name.length < 5 || file.name.startsWith('.')) {
        return t('fault_name');
    }
    return '';
}

// For `items` that have `file`: what is at their places, and where the same content is. In parts, each a list of
// {item, taken, same}: `taken` is an image object or null, `same` a list of {id, src}.
export async function* lookedUp(items, fileOf) {
    for (let start = 0; start < items.length; start += AT_ONCE) {
        const part = items.slice(start, start + AT_ONCE);
        const [taken, same] = await Promise.all([takenPlaces(part), sameContent(part, fileOf)]);
        yield part.map((item, index) => ({item, taken: taken[index], same: same[index]}));
    }
}

// One call for all of them: that a place is free is no error of a call of its own.
async function takenPlaces(items) {
    const place = item => `${item.folder}/${item.name}`.replace(/^\/*/, '/');
    const answers = await batch(items.map(item => get('details/', {src: place(item)})));
    return answers.map(answer => (answer.status === 200 ? answer.data : answer.status === 415 ? {} : null));
}

async function sameContent(items, fileOf) {
    const digests = [];
    for (const item of items) {
        digests.push(await digestOf(fileOf(item)));
    }
    const wanted = [...new Set(digests.filter(Boolean))];
    const found = wanted.length ? await api.get('upload/same/', {sha256: wanted.join(',')}) : {};
    return digests.map(digest => found[digest] ?? []);
}

// Browsers have digests on secure pages only; elsewhere equal content is told after it has come.
async function digestOf(file) {
    if (!file || file.size > HASHED_MAX || !globalThis.crypto?.subtle) {
        return '';
    }
    try {
        const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
        return Array.from(new Uint8Array(digest), byte => byte.toString(16).padStart(2, '0')).join('');
    } catch {
        return ''; // it can't be read; sending it will tell why
    }
}
