// The workshop of a portfolio: what is said about it, and its images in their order.

import {api} from '../core/api.js';
import {confirmDeed} from '../core/dialog.js';
import {$, h, page, url} from '../core/dom.js';
import {time} from '../core/format.js';
import {loadStyle} from '../core/style.js';
import {loadTexts, t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {embedFields} from '../portfolios/embed.js';
import {Grid} from '../portfolios/grid.js';
import {Settings} from '../portfolios/settings.js';

const ADDRESS = `portfolios/${page.data.id}/`;
const HISTORY_SHOWN = 50;

await Promise.all([loadTexts('basket'), loadStyle('basket')]);
const first = await api.get(ADDRESS, {}, {full: true});
let etag = first.etag;

const settings = new Settings(first.data);
settings.images(first.data);
const grid = new Grid(page.data.id, first.data, {changed: refresh});

$('#settings').append(settings.element, h('div', {class: 'row'}, h('button', {type: 'submit', class: 'button primary'}, t('save'))));
$('#settings').addEventListener('submit', event => {
    event.preventDefault();
    save();
});
$('#delete-portfolio').addEventListener('click', remove);
$('#embed').append(...embedFields(page.data.embed_code));
drawHistory(first.data);

async function save() {
    try {
        const saved = await api.put(ADDRESS, settings.values, {headers: {'If-Match': etag}, full: true});
        etag = saved.etag;
        toast(t('saved'), {kind: 'good'});
        $('#heading').textContent = saved.data.name.trim() || saved.data.human_id;
        settings.saved(saved.data);
        drawHistory(saved.data);
        if (saved.data.human_id !== page.data.human_id) {
            location.replace(url(`portfolios/${encodeURIComponent(saved.data.human_id)}/edit/`));
        }
    } catch (error) {
        if (error.status === 412) {
            await conflict(error.data);
        } else if (!settings.fault(error)) {
            toast(error.message, {kind: 'bad'});
        }
    }
}

// Somebody else was first: both are told, and one decides.
async function conflict(theirs) {
    const mine = settings.values;
    const differing = ['name', 'description', 'human_id'].filter(name => theirs[name] !== mine[name]);
    const text = h(
        'div',
        {class: 'stack'},
        h('p', {}, t('conflict_text')),
        h('dl', {}, ...differing.flatMap(name => [h('dt', {}, t(`field_${name}`)), h('dd', {}, t('conflict_pair', {theirs: theirs[name], mine: mine[name]}))])),
    );
    if (await confirmDeed({title: t('conflict_title'), text, deed: t('conflict_mine')})) {
        etag = (await api.get(ADDRESS, {}, {full: true})).etag;
        await save();
    }
}

// After a change of the images: the version is another one, and the history longer.
async function refresh() {
    const now = await api.get(ADDRESS, {}, {full: true});
    etag = now.etag;
    drawHistory(now.data);
    settings.images(now.data);
    return now.data;
}

async function remove() {
    const name = $('#heading').textContent;
    const count = grid.count;
    const text = t('delete_text', {name, n: count, zips: first.data.downloads.length});
    if (await confirmDeed({title: t('delete_title'), text, deed: t('delete'), type: name, count})) {
        await api.delete(ADDRESS);
        location.assign(url('portfolios/'));
    }
}

function drawHistory({history}) {
    const events = history.slice(-HISTORY_SHOWN).reverse();
    $('#history').replaceChildren(
        ...events.map(event =>
            h(
                'li',
                {},
                h('strong', {}, t(`event_${event.action}`)),
                event.action_info ? h('span', {}, ` ${event.action_info}`) : null,
                h('span', {class: 'muted'}, ' ', who(event), ' ', time(event.action_time)),
            ),
        ),
    );
}

function who({user_id: id}) {
    if (id === null) {
        return '';
    }
    return id === page.user.id ? t('by_you') : t('by_user', {id: String(id)});
}
