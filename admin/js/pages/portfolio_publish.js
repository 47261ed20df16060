// Publishing a portfolio: a zip is ordered, a task makes it, and here is its link.

import {api} from '../core/api.js';
import {copyButton} from '../core/copy.js';
import {confirmDeed} from '../core/dialog.js';
import {$, absolute, h, icon, page} from '../core/dom.js';
import {bytes, date, time} from '../core/format.js';
import {loadTexts, t} from '../core/texts.js';
import {followTask} from '../core/tasks.js';
import {toast} from '../core/toast.js';
import {ParametersField, summaryOf} from '../portfolios/entry.js';

const ADDRESS = `portfolios/${page.data.id}/`;
const DAY = 86_400_000;
const AGAIN = 1500; // how long until it is asked how a task goes on

await loadTexts('basket');
let following = false;
let portfolio = await api.get(ADDRESS);
const form = $('#publish');
const sample = portfolio.images[0];
const parameters = new ParametersField({src: sample ? `/${sample.image.src}` : '', parameters: {}, title: t('processed')});
$('#parameters').append(parameters.element);
for (const radio of form.elements.originals) {
    radio.addEventListener('change', () => {
        $('#parameters').hidden = form.elements.originals.value === '1';
    });
}
form.addEventListener('submit', event => {
    event.preventDefault();
    publish();
});
if (!portfolio.images.length) {
    form.querySelector('[type="submit"]').disabled = true;
    form.append(h('p', {class: 'notice info'}, icon('info'), t('nothing_to_publish')));
}
draw(portfolio.downloads);
follow();

async function publish() {
    const button = form.querySelector('[type="submit"]');
    const originals = form.elements.originals.value === '1';
    button.disabled = true;
    try {
        const zip = await api.post(`${ADDRESS}exports/`, {
            description: form.elements.description.value.trim(),
            originals,
            expiry_time: new Date(Date.now() + Number(form.elements.expiry.value) * DAY).toISOString(),
            image_parameters: originals ? {} : parameters.value,
            manifest: form.elements.manifest.checked,
        });
        followTask({id: zip.task_id}, {title: t('publish_title', {name: portfolio.name.trim() || portfolio.human_id})}).catch(() => {});
        await refresh();
        follow();
    } catch (error) {
        toast(error.message, {kind: 'bad'});
    } finally {
        button.disabled = false;
    }
}

async function refresh() {
    portfolio = await api.get(ADDRESS);
    draw(portfolio.downloads);
}

function underway(zip) {
    return zip.state !== 'ready' && zip.state !== 'failed';
}

// While something is being made: how far it is.
async function follow() {
    if (following) {
        return;
    }
    following = true;
    try {
        while (portfolio.downloads.some(underway)) {
            await new Promise(resolve => setTimeout(resolve, AGAIN));
            await refresh();
        }
    } finally {
        following = false;
    }
}

function draw(zips) {
    const list = $('#zips');
    list.removeAttribute('aria-busy');
    if (!zips.length) {
        list.replaceChildren(h('li', {class: 'empty'}, icon('zip'), h('p', {}, t('no_zips'))));
        return;
    }
    list.replaceChildren(...[...zips].sort((a, b) => b.created.localeCompare(a.created)).map(row));
}

function row(zip) {
    const name = zip.description.trim() || t('zip');
    return h(
        'li',
        {class: 'folio-zip card', dataset: {id: zip.id, state: zip.state}},
        icon('zip'),
        h('div', {class: 'folio-zip-text'}, title(zip, name), h('p', {class: 'muted'}, facts(zip)), state(zip)),
        h('div', {class: 'folio-deeds'}, ...deeds(zip, name)),
    );
}

function title(zip, name) {
    return zip.state === 'ready' ? h('a', {href: zip.url, download: true}, name) : h('strong', {}, name);
}

function facts(zip) {
    const how = zip.originals ? t('of_originals') : t('of_processed', {how: summaryOf(zip.parameters) || t('parameters_none')});
    const parts = [how, zip.state === 'ready' ? bytes(zip.filesize) : '', t('until', {date: date(zip.keep_until)})].filter(Boolean).join(' · ');
    return [parts, ' · ', t('made'), ' ', time(zip.created, 'relative')];
}

function state(zip) {
    if (underway(zip)) {
        const bar = h('progress', {class: 'progress', 'aria-label': t('being_made'), max: 1});
        progressOf(zip, bar);
        return h('p', {role: 'status'}, t('being_made'), ' ', bar);
    }
    if (zip.state === 'failed') {
        return h('p', {class: 'error'}, icon('alert'), zip.error || t('failed'));
    }
    const old = new Date(zip.created) < new Date(portfolio.last_updated);
    return old ? h('p', {}, h('span', {class: 'badge warn'}, t('outdated'))) : null;
}

async function progressOf(zip, bar) {
    if (zip.task_id === null) {
        return;
    }
    const task = await api.get(`admin/tasks/${zip.task_id}/`, {}, {quiet: true}).catch(() => null);
    if (task?.progress) {
        bar.value = task.progress;
    }
}

function deeds(zip, name) {
    const copy = zip.state === 'ready' ? copyButton(() => absolute(zip.url), {label: t('copy_zip', {name})}) : null;
    const remove = h(
        'button',
        {type: 'button', class: 'button quiet icon-only', 'aria-label': t('delete_zip', {name}), title: t('delete'), on: {click: () => withdraw(zip, name)}},
        icon('trash'),
    );
    return [copy, remove].filter(Boolean);
}

async function withdraw(zip, name) {
    if (!(await confirmDeed({title: t('withdraw_title'), text: t('withdraw_text', {name}), deed: t('delete')}))) {
        return;
    }
    try {
        await api.delete(`${ADDRESS}exports/${zip.id}/`);
        toast(t('withdrawn', {name}), {kind: 'good'});
    } catch (error) {
        toast(error.status === 503 ? t('busy') : error.message, {kind: 'bad'});
    }
    await refresh();
}
