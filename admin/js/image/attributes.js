// Title and description, edited where they stand.

import {api, ApiError} from '../core/api.js';
import {openDialog} from '../core/dialog.js';
import {$, h} from '../core/dom.js';
import {t} from '../core/texts.js';
import {toast} from '../core/toast.js';
import {MOST} from './bulk_changes.js';

const OUT_OF_DATE = 412;

const texts = new Map(); // the elements that show them, also while a field has their place

export function editInPlace(image, name) {
    const fact = $(`#fact-${name} dd`);
    const link = $('.fact-edit', fact);
    texts.set(name, $('.fact-text', fact));
    if (!link) return;
    const button = h('button', {
        type: 'button', class: link.className, 'aria-label': link.getAttribute('aria-label'),
        on: {click: () => open(image, name, fact)},
    }, link.textContent);
    link.replaceWith(button);
}

async function open(image, name, fact) {
    const {data, etag} = await api.get(`admin/images/${image.id}/`, {}, {full: true});
    if ($('form', fact)) return; // two clicks, one form
    take(image, data);
    const shown = [...fact.children];
    const field = h(name === 'title' ? 'input' : 'textarea', {
        id: `edit-${name}`, maxlength: MOST[name], autocomplete: 'off', 'aria-label': t(`image_${name}`),
        ...(name === 'title' ? {} : {rows: 5}),
    });
    field.value = data[name];
    const close = () => {
        fact.replaceChildren(...shown);
        $('.fact-edit', fact).focus();
    };
    const form = h('form', {
        class: 'stack',
        on: {
            submit: async event => {
                event.preventDefault();
                const before = data[name];
                if (field.value.trim() !== before && !(await save(image, {[name]: field.value}, etag))) return;
                close();
                if (image[name] !== before) told(image, {[name]: before});
            },
            keydown: event => {
                if (event.key !== 'Escape') return;
                event.stopPropagation();
                close();
            },
        },
    },
    field,
    h('div', {class: 'row'},
        h('button', {class: 'button primary'}, t('image_save')),
        h('button', {type: 'button', class: 'button quiet', on: {click: close}}, t('image_cancel'))));
    fact.replaceChildren(form);
    field.focus();
    field.select();
}

// Whether it's saved, by whatever way; a fault is told here.
async function save(image, values, etag) {
    try {
        take(image, await api.patch(`admin/images/${image.id}/`, values, etag ? {headers: {'If-Match': etag}} : {}));
        return true;
    } catch (error) {
        if (error instanceof ApiError && error.status === OUT_OF_DATE && error.data) return choose(image, values, error.data);
        toast(error.message, {kind: 'bad'});
        return false;
    }
}

// Somebody else was first: both versions, and the choice.
async function choose(image, mine, theirs) {
    const column = (heading, values) => h('section', {},
        h('h3', {}, t(heading)),
        h('dl', {}, ...Object.keys(mine).flatMap(name => [
            h('dt', {}, t(`image_${name}`)), h('dd', {class: 'image-text'}, values[name])])));
    const answer = await openDialog({
        title: t('image_conflict_title'),
        body: h('div', {}, h('p', {}, t('image_conflict_text')),
            h('div', {class: 'conflict'}, column('image_conflict_theirs', theirs), column('image_conflict_mine', mine))),
        actions: [
            {label: t('image_conflict_keep_theirs'), value: 'theirs', kind: ''},
            {label: t('image_conflict_keep_mine'), value: 'mine', kind: 'primary'},
        ],
    });
    if (answer === 'mine') return save(image, mine);
    if (answer === 'theirs') take(image, theirs);
    return answer === 'theirs';
}

function told(image, before) {
    toast(t('image_saved'), {
        action: {label: t('image_undo'), run: async () => {
            if (await save(image, before)) toast(t('image_undone'));
        }},
    });
}

// Shows what is true now.
function take(image, data) {
    for (const [name, text] of texts) {
        image[name] = data[name];
        text.textContent = data[name] || t(`image_no_${name}`);
        text.classList.toggle('muted', !data[name]);
    }
    $('#heading').textContent = data.title || image.filename;
    const picture = $('#picture');
    if (picture) picture.alt = data.title || image.filename;
}
