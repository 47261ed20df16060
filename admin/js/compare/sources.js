// The two pictures of a comparison: which addresses they may have, and what is known once they are there.

import {imageUrl} from '../core/api.js';
import {page} from '../core/dom.js';
import {t} from '../core/texts.js';

// What somebody has typed as an address below this server: a whole address, a part of one, or the path of an image.
// Throws an Error with a text for people where it is on another server.
export function addressOf(text) {
    const typed = text.trim();
    if (typed.startsWith('/') && !typed.includes('?')) return imageUrl(typed, {});
    const url = new URL(typed, new URL(page.root, location.href));
    if (url.origin !== location.origin) throw new Error(t('compare_foreign'));
    return `${url.pathname}${url.search}`;
}

// The picture at an address, with its size in pixels and bytes, its format, and the time that the answer took.
export async function load(text, {signal} = {}) {
    const address = addressOf(text);
    const begun = performance.now();
    const answer = await fetch(uncounted(address), {signal, headers: {Accept: 'image/*, application/json'}});
    const ms = performance.now() - begun;
    const type = answer.headers.get('Content-Type') ?? '';
    if (!answer.ok || !type.startsWith('image/')) throw new Error(t('compare_failed', {reason: await reason(answer, type)}));
    const blob = await answer.blob();
    const picture = new Image();
    picture.src = URL.createObjectURL(blob);
    try {
        await picture.decode();
    } catch {
        throw new Error(t('compare_failed', {reason: type}));
    }
    return {
        address, picture, bytes: blob.size, ms: Math.round(ms), format: type.replace('image/', '').split(';')[0].toUpperCase(),
        width: picture.naturalWidth, height: picture.naturalHeight,
    };
}

// Looking at pictures here is no use of them.
function uncounted(address) {
    const url = new URL(address, location.href);
    if (!url.searchParams.has('stats')) url.searchParams.set('stats', '0');
    return `${url.pathname}?${url.searchParams}`;
}

async function reason(answer, type) {
    if (!type.includes('json')) return `${answer.status}`;
    return (await answer.json()).message;
}
