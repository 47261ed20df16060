// The page of search: results as a folder shows its entries, with the same deeds.

import {$, page} from '../core/dom.js';
import {number} from '../core/format.js';
import {keys} from '../core/keys.js';
import {urlState} from '../core/state.js';
import {loadTexts, t} from '../core/texts.js';
import {BulkBar} from '../browse/bulk_bar.js';
import {Deeds} from '../browse/deeds.js';
import {Entries} from '../browse/entries.js';
import {entryKeys} from '../browse/entry_keys.js';
import {openPreview} from '../browse/preview.js';
import {SearchSource} from '../browse/source.js';
import {Views} from '../browse/views.js';

const FIELDS = ['q', 'path', 'type', 'from', 'to', 'sort'];
const COUNTED_TO = 10000;
const LAST_DAY = '9999-12-31';

await loadTexts('browse');

const source = new SearchSource();
const entries = new Entries($('#entries'), source, {where: true});
const bar = new BulkBar(entries, new Deeds(() => entries.renew()), {level: () => null});
const form = $('#form');
const views = new Views($('#tools'), entries);

// The words with what the other fields say, as operators.
function words({q, path, type, from, to}) {
    const quoted = text => (/\s/.test(text) ? `"${text}"` : text);
    return [
        q,
        path && `in:${quoted(path)}`,
        type && `type:${type.replaceAll(' ', '')}`,
        from && `after:${from}`,
        dayAfter(to) && `before:${dayAfter(to)}`,
    ].filter(Boolean).join(' ');
}

// `day` and what it gives are as in 2026-01-31. Nothing is from after the last day that there is.
function dayAfter(day) {
    if (!day || day >= LAST_DAY) {
        return '';
    }
    const next = new Date(`${day}T00:00:00Z`);
    next.setUTCDate(next.getUTCDate() + 1);
    return next.toISOString().slice(0, 10);
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
entries.addEventListener('preview', () => openPreview(entries));
keys({
    ...entryKeys(entries, bar),
    Escape: {run: () => entries.selection.clear(), text: t('browse_clear')},
});

views.show(page.data.view);
const {first, problem} = page.data;
if (!problem) {
    source.show({q: words(asked()), sort: asked().sort}, first);
    entries.restart();
}
