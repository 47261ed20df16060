// The page of search: results as a folder shows its entries, with the same deeds.

import {$, $$, page} from '../core/dom.js';
import {number} from '../core/format.js';
import {keys} from '../core/keys.js';
import {store, urlState} from '../core/state.js';
import {loadTexts, t} from '../core/texts.js';
import {BulkBar} from '../browse/bulk_bar.js';
import {Deeds} from '../browse/deeds.js';
import {Entries} from '../browse/entries.js';
import {openPreview} from '../browse/preview.js';
import {SearchSource} from '../browse/source.js';

const FIELDS = ['q', 'path', 'type', 'from', 'to', 'sort'];
const COUNTED_TO = 10000;
const SIZE = 'thumb_size';

await loadTexts('browse');

const source = new SearchSource();
const entries = new Entries($('#entries'), source, {where: true});
const bar = new BulkBar(entries, new Deeds(() => entries.renew()), {level: () => null});
const form = $('#form');
let view = page.data.view;

function show(next, size = store.get(SIZE) ?? undefined) {
    view = next;
    entries.show(view, size);
    for (const button of $$('button[data-view]')) {
        button.setAttribute('aria-pressed', String(button.dataset.view === view));
    }
    $('.tools-size').hidden = view !== 'grid';
}

// The words with what the other fields say, as operators.
function words({q, path, type, from, to}) {
    const quoted = text => (/\s/.test(text) ? `"${text}"` : text);
    const until = to ? new Date(`${to}T00:00:00Z`) : null;
    until?.setUTCDate(until.getUTCDate() + 1);
    return [
        q,
        path && `in:${quoted(path)}`,
        type && `type:${type.replaceAll(' ', '')}`,
        from && `after:${from}`,
        until && `before:${until.toISOString().slice(0, 10)}`,
    ].filter(Boolean).join(' ');
}

function asked() {
    return Object.fromEntries(FIELDS.map(name => [name, form.elements[name].value.trim()]));
}

async function search({push = true} = {}) {
    const wish = asked();
    if (push) {
        urlState.set({...wish, cursor: null}, {push: true});
    }
    document.title = `${wish.q || t('search_title')} · qisd`;
    await source.show({q: words(wish), sort: wish.sort});
    entries.restart();
    window.scrollTo(0, 0);
}

function tell() {
    const {failed, total} = source;
    $('#problem').hidden = !failed;
    $('#problem').textContent = failed?.message ?? '';
    $('#note').hidden = total > 0 || Boolean(failed);
    const wish = asked();
    const plain = FIELDS.every(name => !wish[name]);
    const many = total >= COUNTED_TO ? t('search_found_many', {number: number(COUNTED_TO)}) : t('search_found', {n: total});
    $('#found').textContent = failed ? '' : plain ? t('search_newest') : many;
}

form.addEventListener('submit', event => {
    event.preventDefault();
    search();
});
form.elements.sort.addEventListener('change', () => search());
window.addEventListener('popstate', () => {
    const state = urlState.get();
    for (const name of FIELDS) {
        form.elements[name].value = state[name] ?? '';
    }
    search({push: false});
});
for (const event of ['changed', 'renewed']) {
    source.addEventListener(event, tell);
}
for (const button of $$('button[data-view]')) {
    button.addEventListener('click', () => {
        urlState.set({view: button.dataset.view});
        show(button.dataset.view);
    });
}
$('#size').addEventListener('input', event => {
    store.set(SIZE, Number(event.target.value));
    show(view, Number(event.target.value));
});
entries.addEventListener('preview', () => openPreview(entries));
keys({
    Delete: {run: () => bar.run('delete', entries.meant), text: t('browse_key_delete')},
    m: {run: () => bar.run('move', entries.meant), text: t('browse_move')},
    c: {run: () => bar.run('copy', entries.meant), text: t('browse_copy')},
    p: {run: () => bar.run('publish', entries.meant), text: t('browse_publish')},
    x: {run: () => entries.toggle(), text: t('browse_key_select')},
    ' ': {run: () => openPreview(entries), text: t('browse_preview')},
    Enter: {run: () => false, text: t('browse_key_open')},
    Escape: {run: () => entries.selection.clear(), text: t('browse_clear')},
    ArrowDown: {run: () => entries.focus(), text: t('browse_key_arrows')},
});

$('#size').value = store.get(SIZE) ?? 180;
show(view);
const {first, problem} = page.data;
if (!problem) {
    source.show({q: words(asked()), sort: asked().sort}, first);
    entries.restart();
}
