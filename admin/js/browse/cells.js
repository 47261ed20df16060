// How one entry looks: as a card of the grid, or as a row of the list.

import {ACCESS} from '../core/access.js';
import {imageUrl, THUMB} from '../core/api.js';
import {h, icon, url} from '../core/dom.js';
import {bytes, number, time} from '../core/format.js';
import {extensionOf, parentOf} from '../core/paths.js';
import {t} from '../core/texts.js';

const COUNTED_TO = 1000;
const DOCUMENTS = new Set(['pdf', 'ps', 'eps', 'ai']);

export function linkOf(item) {
    if (item.folder) {
        return url('list/', {path: item.path});
    }
    return item.supported ? url('details/', {src: item.path}) : null;
}

// The one thumbnail, and the same for screens that are twice as fine; `pixels`: how wide it is shown.
export function thumbnail(item, pixels, {broken}) {
    const twice = {...THUMB, width: THUMB.width * 2, height: THUMB.height * 2};
    const small = imageUrl(item.path, THUMB);
    return h('img', {
        src: small,
        srcset: `${small} ${THUMB.width}w, ${imageUrl(item.path, twice)} ${twice.width}w`,
        sizes: `${pixels}px`,
        width: THUMB.width,
        height: THUMB.height,
        alt: '',
        decoding: 'async',
        draggable: 'false',
        on: {error: broken},
    });
}

// `where`: whether each names its folder, as results of a search do. `pixels`: the width of a card.
export function card(item, {pixels, where}) {
    return h(
        'div',
        {class: 'entry-card'},
        check(item),
        h('div', {class: 'entry-thumb', draggable: 'true'}, picture(item, pixels), badges(item)),
        name(item),
        h('div', {class: 'entry-facts muted'}, item.folder ? contents(item) : facts(item)),
        where && !item.folder && h('a', {class: 'entry-where muted', href: url('list/', {path: parentOf(item.path)}), dir: 'auto', tabindex: -1}, parentOf(item.path)),
    );
}

export function row(item, {where}) {
    return h(
        'div',
        {class: 'entry-row'},
        check(item),
        h('div', {class: 'entry-thumb', draggable: 'true'}, picture(item, 40)),
        h('div', {class: 'entry-title'}, name(item), item.title && h('span', {class: 'muted entry-words', dir: 'auto'}, item.title), badges(item)),
        where && h('a', {class: 'entry-where muted', href: url('list/', {path: parentOf(item.path)}), dir: 'auto', tabindex: -1}, parentOf(item.path)),
        h('span', {class: 'entry-type muted'}, item.folder ? t('browse_folder') : extensionOf(item.name).toUpperCase()),
        h('span', {class: 'entry-pixels muted'}, item.folder ? contents(item) : pixelsOf(item)),
        h('span', {class: 'entry-size muted'}, item.folder ? '' : bytes(item.size)),
        h('span', {class: 'entry-date muted'}, item.modified ? time(item.modified) : ''),
    );
}

// What stands where an entry will be.
export function ghost(view) {
    return h('div', {class: view === 'grid' ? 'entry-card' : 'entry-row', 'aria-hidden': 'true'},
        h('div', {class: 'entry-thumb skeleton'}), h('div', {class: 'skeleton entry-line'}));
}

function check(item) {
    return h('label', {class: 'entry-check'},
        h('input', {type: 'checkbox', tabindex: -1, 'aria-label': t('browse_select_entry', {name: item.name})}));
}

function name(item) {
    const href = linkOf(item);
    const given = {class: 'entry-name', dir: 'auto', title: item.name, tabindex: -1};
    if (href === null) {
        return h('span', given, item.name);
    }
    return h('a', {...given, href, draggable: 'true'}, item.name);
}

function picture(item, pixels) {
    if (item.folder) {
        return icon('folder');
    }
    if (!item.supported) {
        return icon('file');
    }
    return thumbnail(item, pixels, {broken: event => event.target.replaceWith(icon('broken'))});
}

function badges(item) {
    const found = [];
    if (item.folder && item.public < ACCESS.view) {
        found.push(['lock', t('browse_badge_closed')]);
    }
    if (!item.folder && !item.supported) {
        found.push([null, t('browse_badge_no_preview')]);
    }
    if (DOCUMENTS.has(extensionOf(item.name)) && !item.folder) {
        found.push([null, extensionOf(item.name).toUpperCase()]);
    }
    return found.length > 0 && h('span', {class: 'entry-badges'},
        found.map(([sign, text]) => h('span', {class: 'badge', title: text}, sign ? icon(sign, text) : text)));
}

function contents(item) {
    return item.items >= COUNTED_TO ? t('browse_items_many', {number: number(COUNTED_TO)}) : t('browse_items', {n: item.items});
}

function pixelsOf(item) {
    return item.width ? t('browse_pixels', {width: String(item.width), height: String(item.height)}) : '';
}

function facts(item) {
    return [pixelsOf(item), bytes(item.size)].filter(Boolean).map(one => h('span', {}, one));
}
